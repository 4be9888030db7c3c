package import Foundation
import Synchronization

/// Processes that end with this one, however it ends, and their working directory.
///
/// A shell leads the group, and reads from a pipe that only this process can write to. When this process ends, even by
/// SIGKILL, the kernel closes the pipe. Then the shell deletes the directory and kills the group, itself included. No
/// other group gets the group's number while the shell runs.
///
/// Linux's parent-death signal would need neither shell nor pipe. But it comes when the *thread* that started the
/// process ends, and the threads of a pool come and go.
package final class ProcessGroup: Sendable {
    private struct State {
        var processes: [ChildProcess] = []
        var hasEnded = false
    }

    private static let endLimit = Duration.seconds(10)
    private static let guardian = "trap '' HUP INT TERM; read -r _; rm -rf \"$0\"; kill -KILL 0"

    package let directory: String
    private let leader: ChildProcess
    private let lifeline: CInt
    private let state = Mutex(State())

    /// Starts the shell only, with an empty directory for this user alone, whose name begins like this. Throws
    /// ``EtcdServerFailure`` or Foundation's error when the system refuses.
    package init(named name: String) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "\(name)-\(UUID())")
        let directory = url.path(percentEncoded: false)
        try FileManager.default.createDirectory(
            at: url,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        do {
            (leader, lifeline) = try Self.startGuardian(of: directory)
        } catch {
            try? FileManager.default.removeItem(atPath: directory)
            throw error
        }
        self.directory = directory
    }

    deinit { close(lifeline) }

    /// The group's number, for processes that others start in it.
    package var id: pid_t { leader.id }

    /// Starts a program, given by its path and its arguments, in the group and its directory. It gets the variables of
    /// this process, except etcd's, and some more. Its output is appended to files. Throws ``EtcdServerFailure`` when
    /// the system refuses, or the group has ended.
    func spawn(
        _ arguments: [String],
        environment: [String: String] = [:],
        output: String,
        errors: String
    ) throws -> ChildProcess {
        try state.withLock { state in
            guard !state.hasEnded else { throw EtcdServerFailure("cannot start \(arguments[0]): withServer has ended") }
            let process = try ChildProcess(
                arguments,
                environment: Self.inheritedEnvironment.merging(environment) { $1 },
                output: .file(output),
                errors: .file(errors),
                group: leader.id
            )
            state.processes.removeAll { $0.exit != nil }
            state.processes.append(process)
            return process
        }
    }

    /// Kills all processes, waits for their end and deletes the directory. Throws ``EtcdServerFailure`` when one has
    /// not ended within the limit.
    func end() async throws {
        let processes = state.withLock { state in
            state.hasEnded = true
            return state.processes + [leader]
        }
        for process in processes { process.send(SIGKILL) }
        for process in processes where await process.exit(within: Self.endLimit) == nil {
            throw EtcdServerFailure("process \(process.id) has not ended within \(Self.endLimit) of SIGKILL")
        }
        try FileManager.default.removeItem(atPath: directory)
    }

    private static func startGuardian(of directory: String) throws -> (leader: ChildProcess, lifeline: CInt) {
        // A named pipe, since a program that starts at the same time cannot inherit it.
        let pipe = "\(directory)/lifeline"
        guard mkfifo(pipe, 0o600) == 0 else { throw systemFailure("create", pipe) }
        // Opened for reading as well, so that neither side waits for the other to open it.
        let lifeline = open(pipe, O_RDWR | O_CLOEXEC)
        guard lifeline >= 0 else { throw systemFailure("open", pipe) }
        do {
            let leader = try ChildProcess(
                ["/bin/sh", "-c", guardian, directory],
                environment: inheritedEnvironment,
                input: .file(pipe),
                output: .file("/dev/null"),
                errors: .file("/dev/null"),
                group: 0
            )
            return (leader, lifeline)
        } catch {
            close(lifeline)
            throw error
        }
    }

    private static func systemFailure(_ action: String, _ path: String) -> EtcdServerFailure {
        EtcdServerFailure("cannot \(action) \(path): \(String(cString: strerror(errno)))")
    }

    /// The variables of this process without etcd's, which could contradict the arguments.
    private static var inheritedEnvironment: [String: String] {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("ETCD") }
        #if arch(arm64)
        // etcd 3.4 does not start on arm64 without it.
        environment["ETCD_UNSUPPORTED_ARCH"] = "arm64"
        #endif
        return environment
    }
}
