import GRPCCore
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite(.timeLimit(.minutes(1)))
struct ClientTransportTests {
    private static var eager: ClientTransportConfig {
        var config = ClientTransportConfig.defaults
        config.backoff.initial = .milliseconds(1)
        config.backoff.max = .milliseconds(5)
        return config
    }

    @Test func callsFailFastWhileTheServerIsAway() async throws {
        try await withClient(.unusedPath()) { client in
            let error = await #expect(throws: RPCError.self) { try await client.call("Echo") }
            #expect(error?.isNotProcessed == true)
            #expect(error?.message.contains("No such file") == true)
        }
    }

    @Test func callsThatWaitForReadyAreMadeOnceTheServerListens() async throws {
        let address = TransportAddress.unusedPath()
        try await withClient(address, config: Self.eager) { client in
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                group.addTask {
                    var options = CallOptions.defaults
                    options.waitForReady = true
                    return try await client.call("Echo", [3], options: options)
                }
                // The server starts after a call without wait-for-ready has failed.
                let error = await #expect(throws: RPCError.self) { try await client.call("Echo") }
                #expect(error?.code == .unavailable)
                let (answers, answered) = AsyncStream.makeStream(of: Void.self)
                let echo: RawHandler = { request, context in
                    defer { answered.finish() }
                    return try await RawService.echo(request, context)
                }
                try await withServer(["Echo": echo], address: address) { _, _ in
                    for await _ in answers {}
                }
                let answer = try await group.next()
                #expect(answer == [3])
            }
        }
    }

    @Test func waitingCallCanBeCancelled() async throws {
        try await withClient(.unusedPath()) { client in
            await withThrowingTaskGroup(of: [UInt8].self) { group in
                group.addTask {
                    var options = CallOptions.defaults
                    options.waitForReady = true
                    return try await client.call("Echo", options: options)
                }
                group.cancelAll()
                let error = await #expect(throws: RPCError.self) { try await group.next() }
                #expect(error?.code == .cancelled)
            }
        }
    }

    @Test func waitingCallsAreBounded() async throws {
        let readiness = Readiness(maxWaiters: 1)
        await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask { try await readiness.wait(after: 0, waitForReady: true) }
            }
            let error = await #expect(throws: RPCError.self) { try await group.next() }
            #expect(error?.isNotProcessed == true)
            readiness.update(.ready)
            await #expect(throws: Never.self) { try await group.next() }
        }
    }

    /// Calls go on across restarts of the server; only the calls in flight fail.
    @Test func callsGoOnWhenTheServerComesBack() async throws {
        let address = TransportAddress.unusedPath()
        try await withClient(address, config: Self.eager) { client in
            for round in UInt8(0)..<5 {
                try await withServer(["Echo": RawService.echo], address: address) { _, _ in
                    var options = CallOptions.defaults
                    options.waitForReady = true
                    for _ in 0..<20 {
                        let answer = try await client.call("Echo", [round], options: options)
                        #expect(answer == [round])
                    }
                }
            }
        }
    }

    @Test func callAfterShutdownFails() async throws {
        let transport = Nghttp2ClientTransport(target: .anyPort)
        transport.beginGracefulShutdown()
        let error = await #expect(throws: RPCError.self) {
            try await transport.withStream(descriptor: RawService.method("Any"), options: .defaults) { _, _ in }
        }
        #expect(error?.code == .failedPrecondition)
        try await transport.connect()
    }

    @Test func methodConfigurationIsPickedByMethodServiceAndDefault() {
        let exact = MethodConfig(names: [.init(service: RawService.name, method: "A")], timeout: .seconds(1))
        let service = MethodConfig(names: [.init(service: RawService.name, method: "")], timeout: .seconds(2))
        let any = MethodConfig(names: [.init(service: "", method: "")], timeout: .seconds(3))
        let transport = Nghttp2ClientTransport(
            target: .anyPort, serviceConfig: ServiceConfig(methodConfig: [any, exact, service])
        )
        #expect(transport.config(forMethod: RawService.method("A"))?.timeout == .seconds(1))
        #expect(transport.config(forMethod: RawService.method("B"))?.timeout == .seconds(2))
        let other = MethodDescriptor(fullyQualifiedService: "other", method: "A")
        #expect(transport.config(forMethod: other)?.timeout == .seconds(3))
    }
}
