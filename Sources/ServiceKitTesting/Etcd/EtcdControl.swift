import Foundation
import Synchronization

extension EtcdServer {
    private static let commandLimit = Duration.seconds(30)

    /// Runs an etcdctl command. Once authentication is enabled, it runs as root.
    ///
    /// ```swift
    /// try await etcd.etcdctl("put", "/users/1", "Ada")
    /// let name = try await etcd.etcdctl("get", "/users/1", "--print-value-only")
    /// ```
    /// A command that does not end by itself, such as `watch`, is killed after 30 seconds.
    /// - Parameters:
    ///   - arguments: The command and its arguments, without those for the connection.
    ///   - member: The member to ask. Default: any that runs and is not suspended.
    /// - Returns: The command's standard output, without the end of the last line.
    /// - Throws: ``EtcdServerFailure`` with the command's standard error when it fails or does not end.
    @discardableResult
    public func etcdctl(_ arguments: String..., member: Int? = nil) async throws -> String {
        try await run(arguments, member: member)
    }

    /// Creates the user root, and enables authentication: from then on etcd refuses clients without user and password.
    /// ``etcdctl(_:member:)`` gives both.
    public func enableAuth(rootPassword: String = "root") async throws {
        try await etcdctl("user", "add", "root:\(rootPassword)")
        try await etcdctl("role", "add", "root")
        try await etcdctl("user", "grant-role", "root", "root")
        try await etcdctl("auth", "enable")
        self.rootPassword.withLock { $0 = rootPassword }
    }

    /// Creates a user, and a role of the same name with the rights `read`, `write` or `readwrite` to the keys with a
    /// prefix.
    public func addUser(
        _ name: String,
        password: String,
        prefix: String,
        permission: String = "readwrite"
    ) async throws {
        try await etcdctl("role", "add", name)
        try await etcdctl("role", "grant-permission", name, "--prefix=true", permission, prefix)
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
