import Glibc
import ServiceKit
import Subprocess
import Synchronization
import SystemPackage

/// The process of a service, in a process group of its own so that ctrl-C is for `kit` alone to handle.
final class ServiceProcess: Sendable {
    private enum State {
        /// With the signal that it gets as soon as it is there.
        case starting(CInt?)
        case running(pid_t)
        case ended
    }

    /// How long what a killed `kit` leaves may take to stop.
    private static let orphanSeconds = 10

    /// Starts the service beside a guard. The guard reads from the lifeline, which has an end when `kit` has ended or
    /// the service has, and then ends everything in the process group.
    private static let script = """
        cd "$1" || exit 126
        limit=$2
        shift 2
        exec 3<&0
        (
            trap '' HUP INT QUIT TERM
            read -r line <&3
            kill -s TERM -- "-$$"
            while kill -s 0 -- "$$" && [ "$limit" -gt 0 ]; do sleep 1; limit=$((limit - 1)); done
            kill -s KILL -- "-$$"
        ) </dev/null >/dev/null 2>&1 &
        exec "$@" </dev/null 3<&-
        """

    private let directory: String
    private let command: [String]
    private let state = Watched(State.starting(nil))

    /// - Parameters:
    ///   - directory: Where it runs.
    ///   - command: The program's path, and its arguments.
    init(directory: String, command: [String]) {
        self.directory = directory
        self.command = command
    }

    /// Runs it to its end.
    ///
    /// - Parameters:
    ///   - service: The service's number, for the output.
    ///   - output: Where lines with the service's name go; a single service has this process's own output.
    func run(_ service: Int, output: RunOutput) async -> ProcessExit {
        defer { state.set(.ended) }
        do {
            let lifeline = try Lifeline()
            // When the service has ended, for what it has started and left.
            defer { lifeline.close() }
            let status =
                output.hasPrefixes
                ? try await runPrefixed(lifeline, service, output)
                : try await runPlain(lifeline)
            switch status {
            case .exited(let code): return .exited(code)
            case .signaled(let signal): return .signaled(signal)
            }
        } catch {
            output.say("cannot be started: \(error)", about: service)
            return .exited(127)
        }
    }

    /// Asks it to stop, and kills it when it has not done so within a limit.
    ///
    /// - Returns: Whether it stopped by itself.
    func stop(within limit: Duration) async -> Bool {
        send(SIGTERM)
        if await hasEnded(within: limit) { return true }
        send(SIGKILL)
        return false
    }

    /// Ends it at once, with everything that it has started.
    func kill() {
        send(SIGKILL)
    }

    // MARK: - Running

    private var configuration: Subprocess.Configuration {
        var options = PlatformOptions()
        options.processGroupID = 0
        return Subprocess.Configuration(
            executable: .path("/bin/sh"),
            arguments: Arguments(["-c", Self.script, "sh", directory, "\(Self.orphanSeconds)"] + command),
            platformOptions: options
        )
    }

    private func runPlain(_ lifeline: Lifeline) async throws -> TerminationStatus {
        try await Subprocess.run(
            configuration,
            input: .fileDescriptor(FileDescriptor(rawValue: lifeline.childEnd), closeAfterSpawningProcess: true),
            output: .currentStandardOutput,
            error: .currentStandardError
        ) { execution in
            started(execution.processIdentifier.value)
        }.terminationStatus
    }

    private func runPrefixed(
        _ lifeline: Lifeline,
        _ service: Int,
        _ output: RunOutput
    ) async throws -> TerminationStatus {
        try await Subprocess.run(
            configuration,
            input: .fileDescriptor(FileDescriptor(rawValue: lifeline.childEnd), closeAfterSpawningProcess: true),
            output: .sequence,
            error: .sequence
        ) { execution in
            started(execution.processIdentifier.value)
            let (standardOutput, standardError) = (execution.standardOutput, execution.standardError)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await Self.forward(standardOutput, service, output, to: .output) }
                group.addTask { await Self.forward(standardError, service, output, to: .error) }
            }
        }.terminationStatus
    }

    private static func forward(
        _ stream: SubprocessOutputSequence,
        _ service: Int,
        _ output: RunOutput,
        to terminal: Terminal
    ) async {
        var prefixer = output.prefixer(of: service, on: terminal)
        do {
            for try await buffer in stream {
                await output.forward(buffer.withUnsafeBytes { prefixer.add($0) }, to: terminal)
            }
        } catch {
            // Cut off because the process has ended while one that it started keeps its output open.
        }
        await output.forward(prefixer.finish(), to: terminal)
    }

    // MARK: - Signals

    private func started(_ pid: pid_t) {
        state.update { state in
            guard case .starting(let signal) = state else { return }
            state = .running(pid)
            if let signal { Self.send(signal, to: pid) }
        }
    }

    private func send(_ signal: CInt) {
        // Under the lock, so that the process has not been found to have ended. Its number is free for others a moment
        // before, but the system uses all the others first.
        state.update { state in
            switch state {
            case .starting: state = .starting(signal)
            case .running(let pid): Self.send(signal, to: pid)
            case .ended: break
            }
        }
    }

    /// Sends a signal: SIGTERM to the service, which looks after what it has started, SIGKILL to all of it.
    private static func send(_ signal: CInt, to pid: pid_t) {
        _ = sendSignal(signal == SIGKILL ? -pid : pid, signal)
    }

    private func hasEnded(within limit: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [state] in
                await state.first { if case .ended = $0 { true } else { false } } != nil
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            let hasEnded = await group.next() ?? false
            group.cancelAll()
            return hasEnded
        }
    }
}

/// The system's `kill`, which the method of that name hides.
private func sendSignal(_ pid: pid_t, _ signal: CInt) -> CInt {
    kill(pid, signal)
}
