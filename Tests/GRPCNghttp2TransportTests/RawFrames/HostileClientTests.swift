import Foundation
import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

/// Clients that break HTTP/2 or gRPC, or try to harm. Each case is a function of a script in Python. All of them meet
/// one server, which must go on serving others.
@Suite(
    .bothPaths,
    .hostileServer,
    .enabled(if: PythonPeer.isAvailable, "KIT_TEST_PYTHON names no Python with hyperframe; `make test` sets it"),
    .timeLimit(.minutes(1))
)
struct HostileClientTests {
    private static func run(_ name: String) async throws {
        let server = try #require(HostileServer.current)
        try await PythonPeer.hostile.check(name, of: server.plaintext, ["--limits", server.limits])
    }

    // The subjects run at the same time, but the cases of one subject do not: each is a process.

    @Test(.serialized, arguments: try await HostileServer.cases("framing"))
    func brokenFramingIsRefused(_ name: String) async throws {
        try await Self.run(name)
    }

    @Test(.serialized, arguments: try await HostileServer.cases("headers"))
    func brokenHeadersAreRefused(_ name: String) async throws {
        try await Self.run(name)
    }

    @Test(.serialized, arguments: try await HostileServer.cases("flow_control"))
    func brokenFlowControlIsRefused(_ name: String) async throws {
        try await Self.run(name)
    }

    @Test(.serialized, arguments: try await HostileServer.cases("grpc"))
    func brokenGRPCIsRefused(_ name: String) async throws {
        try await Self.run(name)
    }

    @Test(.serialized, arguments: try await HostileServer.cases("floods"))
    func floodsAreLimited(_ name: String) async throws {
        try await Self.run(name)
    }

    @Test(.serialized, arguments: try await HostileServer.cases("slow"))
    func slowClientsAreDisconnected(_ name: String) async throws {
        try await Self.run(name)
    }

    @Test(
        .enabled(if: TestSecurity.openssl != nil, "openssl is not installed"),
        .serialized, arguments: try await HostileServer.cases("tls")
    )
    func brokenTLSIsRefused(_ name: String) async throws {
        let server = try #require(HostileServer.current)
        try await PythonPeer.hostile.check(name, of: server.tls, ["--limits", server.limits], security: .tls)
    }
}
