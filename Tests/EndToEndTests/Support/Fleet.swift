import Foundation
import GRPCCore
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitEtcd
import ServiceKitGRPC
import ServiceKitSampleAPI
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

/// Servers of the sample service on a registry of their own, with this process's view of them.
struct Fleet: Sendable {
    let directory: TemporaryDirectory
    /// The configuration files of servers that have one of their own.
    private let files: TemporaryDirectory
    /// The `--set` options of the registry.
    let settings: [String]
    let registry: any Registry
    let discovery: Discovery
    /// The known instances of the service, kept up to date while the body of ``with(_:)`` runs.
    let instances: Watched<InstanceSet>

    /// Runs a body with a registry in a directory of its own.
    static func with(_ body: @escaping @Sendable (Fleet) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        let settings = ["registry.backend=file", "registry.file.directory=\(directory.path)"]
        try await with(settings, directory, body)
    }

    /// Runs a body with the registry of given settings.
    static func with(
        _ settings: [String],
        _ directory: TemporaryDirectory,
        _ body: @escaping @Sendable (Fleet) async throws -> Void
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let configuration = try Configuration.load(
            files: [Executable.configuration("user-client.yaml")], environment: [:], overrides: settings
        )
        let registry = try RegistryBackends(plugins: [.etcd]).make(configuration: configuration, logger: logger)
        let fleet = Fleet(
            directory: directory,
            files: try TemporaryDirectory(),
            settings: settings,
            registry: registry,
            discovery: Discovery(registry),
            instances: Watched([])
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await fleet.registry.run() }
            group.addTask {
                for await snapshot in fleet.discovery.watch("user-service") { fleet.instances.set(snapshot.instances) }
            }
            try await body(fleet)
        }
    }

    /// Starts a server. Waits until it is registered, and both it and this process know that: an entry in the registry
    /// may still be on its way to the server.
    ///
    /// - Parameters:
    ///   - id: The instance's id.
    ///   - settings: Further `--set` options.
    ///   - openFiles: The limit of open files. Default: the test's limit.
    func start(_ id: String, settings: [String] = [], openFiles: Int? = nil) async throws -> RunningProgram {
        let settings = self.settings + ["log.level=info"] + settings
        return try await known(id, RunningProgram.userServer(id: id, settings: settings, openFiles: openFiles))
    }

    /// Starts a server, as above, with a configuration file of its own.
    ///
    /// - Parameters:
    ///   - id: The instance's id.
    ///   - configuration: The text of the file, which ``configure(_:_:)`` changes.
    func start(_ id: String, configuration: String) async throws -> RunningProgram {
        try configure(id, configuration)
        let settings = (settings + ["app.id=\(id)"]).flatMap { ["--set", $0] }
        let arguments = ["--config", files.path("\(id).yaml")] + settings
        return try await known(id, RunningProgram(Executable.userServer, arguments))
    }

    /// Replaces the text of a server's configuration file.
    func configure(_ id: String, _ configuration: String) throws {
        try files.write(Array(configuration.utf8), to: "\(id).yaml")
    }

    private func known(_ id: String, _ server: RunningProgram) async throws -> RunningProgram {
        try await server.waitForErrors("] serving")
        _ = try #require(await instances.first { $0[id] != nil })
        return server
    }

    /// Waits until an instance is no longer known.
    func waitUntilGone(_ id: String) async throws {
        _ = try #require(await instances.first { $0[id] == nil })
    }

    /// Replaces the only server, `user-0`, by `user-1`, that one by `user-2`, and so on. The next server starts before the
    /// last one stops in order.
    ///
    /// - Returns: The server that is left.
    func replace(_ first: RunningProgram, times: Int) async throws -> RunningProgram {
        var last = first
        for round in 1...times {
            let next = try await start("user-\(round)")
            last.signal(SIGTERM)
            #expect(try await last.waitForExit() == .exited(0))
            try await waitUntilGone("user-\(round - 1)")
            last = next
        }
        return last
    }

    /// The sample client's options for calls.
    static func channelOptions() throws -> ChannelOptions {
        try ChannelOptions(clientConfiguration())
    }

    private static func clientConfiguration() throws -> Configuration {
        try Configuration.load(files: [Executable.configuration("user-client.yaml")], environment: [:])
    }

    /// Calls the service from many tasks, while a body runs.
    ///
    /// - Parameters:
    ///   - callers: The number of calling tasks.
    ///   - pause: The pause of each task after a call. Default: none.
    ///   - timeout: The time limit of a call. Default: the sample client's.
    func underLoad(
        callers: Int,
        pause: Duration? = nil,
        timeout: Duration? = nil,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> LoadResult {
        var timeouts = try Self.clientConfiguration().decode(Deadlines.Options.self, at: "client.timeouts")
        if let timeout { timeouts.default = timeout }
        let channel = try ServiceChannel(
            to: "user-service",
            discoverer: discovery,
            options: Self.channelOptions(),
            middleware: [Deadlines(timeouts)]
        )
        let result = Watched(LoadResult())
        let isOver = Watched(false)
        try await withGRPCClient(transport: channel) { client in
            let users = User_V1_UserService.Client(wrapping: client)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<callers {
                    group.addTask {
                        while !isOver.value {
                            do {
                                let user = try await users.getUser(.with { $0.id = 1 })
                                result.update { $0.add(user.id == 1 ? nil : "wrong answer \(user)") }
                            } catch {
                                result.update { $0.add("\(error)") }
                            }
                            if let pause { try? await Task.sleep(for: pause) }
                        }
                    }
                }
                defer { isOver.set(true) }
                // When the body begins, the servers are warm and every caller is at work.
                _ = await result.first { $0.calls >= callers * 4 }
                try await body()
            }
        }
        return result.value
    }
}

/// The results of the calls.
struct LoadResult: Sendable {
    private(set) var calls = 0
    private(set) var failures: [String: Int] = [:]

    mutating func add(_ failure: String?) {
        calls += 1
        if let failure { failures[failure, default: 0] += 1 }
    }
}
