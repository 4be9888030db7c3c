import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitGRPC

/// A channel that asks its instances whether they serve.
@Suite(.timeLimit(.minutes(1)))
struct HealthCheckTests {
    private typealias Status = Grpc_Health_V1_HealthCheckResponse.ServingStatus

    private static let watch = "grpc.health.v1.Health/Watch"

    private static func options(_ isEnabled: Bool = true, service: String = "") -> ChannelOptions {
        var options = ChannelOptions()
        options.healthCheck.enabled = isEnabled
        options.healthCheck.service = service
        return options
    }

    /// Tells each status, until the call is cancelled.
    private static func telling(
        _ status: Watched<Status>, asked: Watched<[String]> = Watched([]), left: Watched<Int> = Watched(0)
    ) -> TestService.Handler {
        { request, context in
            for try await message in request.messages {
                let request = try Grpc_Health_V1_HealthCheckRequest(serializedBytes: message)
                asked.update { $0.append(request.service) }
            }
            return TestService.Response { writer in
                defer { left.update { $0 += 1 } }
                try await whileCallLasts(context) {
                    for await status in status.values {
                        let response = Grpc_Health_V1_HealthCheckResponse.with { $0.status = status }
                        try await writer.write(try response.serializedBytes())
                    }
                }
                return [:]
            }
        }
    }

    @Test func anInstanceThatDoesNotServeLeavesThePickAndComesBack() async throws {
        let (status, asked) = (Watched(Status.serving), Watched<[String]>([]))
        try await withTestBed { bed in
            try await bed.server("a", [Self.watch: Self.telling(status, asked: asked)])
            // It has no health service, and so counts as serving.
            try await bed.server("b")
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(service: "user"), balancer: balancer)
            await balancer.waitForNodes("a", "b")
            #expect(try await client.text() == "a")
            status.set(.notServing)
            await balancer.waitForNodes("b")
            #expect(try await client.text() == "b")
            status.set(.serving)
            await balancer.waitForNodes("a", "b")
            #expect(try await client.text() == "a")
            #expect(asked.value == ["user"])
        }
    }

    @Test func callsFailWhenNoInstanceServes() async throws {
        try await withTestBed { bed in
            try await bed.server("a", [Self.watch: Self.telling(Watched(.notServing))])
            var options = Self.options()
            options.settleTimeout = .milliseconds(10)
            let client = try bed.client(options)
            let failure = try #require(await client.failure())
            #expect(failure.code == .unavailable)
            #expect(failure.message.contains("health check of the instance says NOT_SERVING"), "\(failure.message)")
        }
    }

    @Test func anInstanceIsNotCalledBeforeItsFirstAnswer() async throws {
        let gate = Gate()
        try await withTestBed { bed in
            let telling = Self.telling(Watched(.serving))
            let held: TestService.Handler = { request, context in
                try await gate.pass()
                return try await telling(request, context)
            }
            try await bed.server("a", [Self.watch: held])
            let client = try bed.client(Self.options())
            await gate.waitForArrivals()
            #expect(client.channel.snapshot().connectivity == .connecting)
            gate.open()
            #expect(try await client.text() == "a")
        }
    }

    @Test(arguments: [false, true])
    func aCheckThatEndsIsMadeAgain(_ isGarbage: Bool) async throws {
        let calls = Watched(0)
        try await withTestBed { bed in
            let telling = Self.telling(Watched(.serving))
            let handler: TestService.Handler = { request, context in
                let number = calls.update { count in
                    count += 1
                    return count
                }
                if number == 1 {
                    if isGarbage { return TestService.Response(single: ServerResponse(message: [0xFF, 0xFF, 0xFF])) }
                    throw RPCError(code: .internalError, message: "broken")
                }
                return try await telling(request, context)
            }
            try await bed.server("a", [Self.watch: handler])
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(), balancer: balancer)
            await balancer.waitForNodes("a")
            #expect(calls.value == 2)
            #expect(try await client.text() == "a")
        }
    }

    @Test func aSilentServerCountsAsNotServing() async throws {
        let gate = Gate()
        try await withTestBed { bed in
            try await bed.server("a", [Self.watch: TestService.text("", behind: gate)])
            var options = Self.options()
            options.connectTimeout = .seconds(1)
            options.settleTimeout = .milliseconds(10)
            let client = try bed.client(options)
            let failure = try #require(await client.failure())
            #expect(failure.message.contains("does not answer within"), "\(failure.message)")
        }
    }

    @Test func theCheckEndsWithTheConnection() async throws {
        let left = Watched(0)
        try await withTestBed { bed in
            let server = try await bed.server("a", [Self.watch: Self.telling(Watched(.serving), left: left)])
            let balancer = OrderedBalancer()
            let client = try bed.client(Self.options(), balancer: balancer)
            await balancer.waitForNodes("a")
            try await server.deregister()
            await balancer.waitForNodes()
            _ = await left.first { $0 == 1 }
            client.beginGracefulShutdown()
            try await client.end()
        }
    }

    @Test func nobodyAsksUnlessConfigured() async throws {
        let asked = Watched<[String]>([])
        try await withTestBed { bed in
            try await bed.server("a", [Self.watch: Self.telling(Watched(.notServing), asked: asked)])
            let client = try bed.client(Self.options(false))
            #expect(try await client.text() == "a")
            #expect(asked.value == [])
        }
    }
}
