import GRPCCore
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitGRPC

/// An App whose configuration is a file, which a test changes while the App runs.
struct LiveApp {
    private let directory: TemporaryDirectory
    private let store: ConfigurationStore
    let app: App
    let log: LogRecorder

    /// The path of the file.
    var file: String { directory.path("config.yaml") }

    var status: ConfigurationStatus { app.snapshot().configuration }

    /// Creates an App; the caller adds its parts and runs it.
    ///
    /// - Parameters:
    ///   - yaml: The first content of the file, under the section `app`.
    ///   - registry: The registry.
    ///   - plugins: The plugins.
    /// - Throws: `ConfigurationError`.
    init(_ yaml: String, registry: any Registry, plugins: [Plugin] = []) async throws {
        directory = try TemporaryDirectory()
        log = LogRecorder()
        try directory.write(Self.document(yaml), to: "config.yaml")
        var options = ConfigurationStore.Options()
        options.debounce = .zero
        store = ConfigurationStore(
            sources: [FileSource([directory.path("config.yaml")])],
            environment: [:],
            options: options,
            logger: log.logger()
        )
        try await store.start()
        app = try App(store: store, plugins: plugins, registry: registry, logger: log.logger(), environment: [:])
    }

    private static func document(_ yaml: String) -> String {
        "app: {name: test}\nshutdown: {lame-duck: 0, drain-timeout: 0}\n" + yaml
    }

    /// Writes the file, without a wait.
    func write(_ yaml: String) throws {
        try directory.write(Array(Self.document(yaml).utf8), to: "config.yaml")
    }

    /// Changes the file, and waits until the App has taken or refused the change.
    func change(to yaml: String) async throws {
        let before = status
        try write(yaml)
        // A component has taken a change over when the log tells of it.
        let count = before.generation + before.refusals
        let entry = await log.first(count) {
            $0.message == "configuration changed" || $0.message.hasPrefix("configuration refused")
        }
        if entry == nil { throw CancellationError() }
    }
}

// In the extension below, `Bytes` is the channel's own type.
private let plainBytes = Bytes()

extension ServiceChannel {
    /// Calls a method of the tests' service that answers with text.
    func text(_ method: String = "Name", options: CallOptions = .defaults) async throws -> String {
        let message = try await unary(
            [], .test(method), serializer: plainBytes, deserializer: plainBytes, metadata: [:], options: options
        ) { try $0.message }
        return String(decoding: message, as: UTF8.self)
    }

    /// The error of a call that fails.
    func failure(_ method: String = "Name") async -> RPCError? {
        do {
            _ = try await text(method)
            return nil
        } catch {
            return error as? RPCError ?? RPCError(code: .unknown, message: "no RPCError: \(error)")
        }
    }
}

/// Runs an App that serves the tests' service and calls itself.
func withLiveApp(
    _ yaml: String = "",
    _ handlers: [String: TestService.Handler] = [:],
    _ body: (LiveApp, ServiceChannel) async throws -> Void
) async throws {
    let live = try await LiveApp(yaml, registry: MemoryRegistry())
    let service = TestService(id: "a", handlers)
    live.app.serve(service, descriptors: []) { $0 = service.methods }
    let channel = try live.app.channel("test")
    try await serving(live.app, log: live.log) {
        var patient = CallOptions.defaults
        patient.waitForReady = true
        #expect(try await channel.text(options: patient) == "a")
        try await body(live, channel)
    }
}
