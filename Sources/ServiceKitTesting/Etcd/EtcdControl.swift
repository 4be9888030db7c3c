import Foundation
import Synchronization

extension EtcdServer {
    /// How long a command of etcdctl may take.
    private static let commandLimit = Duration.seconds(30)

    /// Runs a command of etcdctl, as root once authentication is enabled.
    ///
    /// ```swift
    /// try await etcd.etcdctl("put", "/users/1", "Ada")
    /// let name = try await etcd.etcdctl("get", "/users/1", "--print-value-only")
    /// ```
    /// A command that does not end by itself, as `watch`, is killed after 30 seconds.
    /// - Parameters:
    ///   - arguments: The command and its arguments. How to connect is known.
    ///   - member: The member that is asked; by default any that runs and is not suspended.
    /// - Returns: What it writes to standard output, without the last line's end.
    /// - Throws: ``EtcdServerFailure`` with what it writes to standard error when it fails or does not end.
    @discardableResult
    public func etcdctl(_ arguments: String..., member: Int? = nil) async throws -> String {
        try await run(arguments, member: member)
    }

    /// Creates the user root, and enables authentication: who does not name a user and a password is refused from then
    /// on. ``etcdctl(_:member:)`` does.
    ///
    /// - Throws: ``EtcdServerFailure`` when etcd refuses.
    public func enableAuth(rootPassword: String = "root") async throws {
        try await etcdctl("user", "add", "root:\(rootPassword)")
        try await etcdctl("role", "add", "root")
        try await etcdctl("user", "grant-role", "root", "root")
        try await etcdctl("auth", "enable")
        self.rootPassword.withLock { $0 = rootPassword }
    }

    /// Creates a user, and a role of the same name for it that may read and write the keys with a prefix.
    ///
    /// - Throws: ``EtcdServerFailure`` when etcd refuses.
    public func addUser(_ name: String, password: String, prefix: String) async throws {
        try await etcdctl("role", "add", name)
        try await etcdctl("role", "grant-permission", name, "--prefix=true", "readwrite", prefix)
        try await etcdctl("user", "add", "\(name):\(password)")
        try await etcdctl("user", "grant-role", name, name)
    }

    private func run(_ arguments: [String], member: Int?) async throws -> String {
        let asked = try member.map { [try self.member($0)] } ?? runningMembers()
        let command = "etcdctl " + arguments.joined(separator: " ")
        let output = "\(processes.directory)/etcdctl-\(UUID())"
        let errors = "\(output).errors"
        defer {
            for file in [output, errors] { try? FileManager.default.removeItem(atPath: file) }
        }
        let process = try processes.spawn(
            [programs.etcdctl] + connectionArguments(to: asked) + arguments,
            environment: ["ETCDCTL_API": "3"],
            output: output,
            errors: errors
        )
        let exit = await process.exit(within: Self.commandLimit)
        if exit == nil {
            process.send(SIGKILL)
            try Task.checkCancellation()
        }
        guard exit == .exited(0) else {
            let end = exit.map { "ended with \($0)" } ?? "has not ended within \(Self.commandLimit)"
            throw EtcdServerFailure("\(command) \(end): \(Self.text(of: errors))")
        }
        return Self.text(of: output)
    }

    private func connectionArguments(to members: [EtcdMember]) -> [String] {
        var arguments = [
            "--endpoints=" + members.map { endpoints[$0.index] }.joined(separator: ","),
            "--dial-timeout=10s",
            "--command-timeout=20s",
        ]
        if let tls = options.tls {
            arguments.append("--cacert=\(tls.trustedCA)")
            if tls.requiresClientCertificate { arguments += ["--cert=\(tls.certificate)", "--key=\(tls.key)"] }
        }
        if let rootPassword = rootPassword.withLock({ $0 }) { arguments.append("--user=root:\(rootPassword)") }
        return arguments
    }

    private static func text(of file: String) -> String {
        let text = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}
