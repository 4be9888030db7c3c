import Glibc
import ServiceKit
import ServiceKitConcurrency
import Subprocess
import Synchronization
import SystemPackage

/// The process of a service. It has a process group of its own, so that ctrl-C reaches `kit` alone.
final class ServiceProcess: Sendable {
    private enum State {
        /// The process is starting. It gets the signal as soon as it exists.
        case starting(CInt?)
        case running(pid_t)
        case ended
    }

    /// The time limit, in seconds, for the processes of a killed `kit` to stop.
    private static let orphanSeconds = 10

    /// Starts the service beside a guard. The guard reads from the lifeline, which ends when `kit` or the service has
    /// ended. Then the guard ends all processes in the group.
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

    /// The command is the program's path, and its arguments.
    init(directory: String, command: [String]) {
        self.directory = directory
        self.command = command
    }

    /// Runs the service until it ends. Several services have their names before their lines; a single one uses this
    /// process's own output.
    func run(_ service: Int, output: RunOutput) async -> TerminationStatus {
        defer { state.set(.ended) }
        do {
            // The kernel closes this process's end when this process ends, however it ends. `PR_SET_PDEATHSIG` is not
            // enough: it reports the end of the thread that started the child.
            let (childEnd, lifeline) = try FileDescriptor.pipe(options: .closeOnExec)
            // When the service has ended: ends the processes that it has started and left.
            defer { try? lifeline.close() }
            return output.hasPrefixes
                ? try await runPrefixed(childEnd, service, output)
                : try await runPlain(childEnd)
        } catch {
            output.say("cannot be started: \(error)", about: service)
            return .exited(127)
        }
    }

    /// Asks the service to stop, and kills it if it runs on after a limit. Returns whether it stopped by itself.
    func stop(within limit: Duration) async -> Bool {
        send(SIGTERM)
        if await hasEnded(within: limit) { return true }
        send(SIGKILL)
        return false
    }

    /// Kills the service, with all processes that it has started.
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

    private func runPlain(_ lifeline: FileDescriptor) async throws -> TerminationStatus {
        try await Subprocess.run(
            configuration,
            input: .fileDescriptor(lifeline, closeAfterSpawningProcess: true),
            output: .currentStandardOutput,
            error: .currentStandardError
        ) { execution in
            started(execution.processIdentifier.value)
        }.terminationStatus
    }

    private func runPrefixed(
        _ lifeline: FileDescriptor,
        _ service: Int,
        _ output: RunOutput
    ) async throws -> TerminationStatus {
        try await Subprocess.run(
            configuration,
            input: .fileDescriptor(lifeline, closeAfterSpawningProcess: true),
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
            for try await buffer in stream { await terminal.send(buffer.withUnsafeBytes { prefixer.add($0) }) }
        } catch {
            // The output was cut off: the process has ended, and one of its children keeps the output open.
        }
        await terminal.send(prefixer.finish())
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
        // Under the lock, so that the process is not known to have ended. Its number may be free a moment earlier, but
        // the system first uses all other numbers.
        state.update { state in
            switch state {
            case .starting: state = .starting(signal)
            case .running(let pid): Self.send(signal, to: pid)
            case .ended: break
            }
        }
    }

    /// Sends a signal: SIGTERM to the service, which stops its own children; SIGKILL to the whole group.
    private static func send(_ signal: CInt, to pid: pid_t) {
        _ = Glibc.kill(signal == SIGKILL ? -pid : pid, signal)
    }

    private func hasEnded(within limit: Duration) async -> Bool {
        let end = try? await withDeadline(.now + limit, onExpiry: CancellationError()) { [state] in
            await state.first { if case .ended = $0 { true } else { false } }
        }
        return end != nil
    }
}
