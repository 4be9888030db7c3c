import Foundation
import GRPCCore
import Logging
import ServiceKit
import ServiceKitGRPC
import ServiceKitSampleAPI
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

/// A server with more clients than its limit of open files.
@Suite(.timeLimit(.minutes(2))) struct OpenFilesTests {
    /// More files than an idle server has open.
    private static let limit = 60

    @Test func callsGoOnWhenNoConnectionCanBeAccepted() async throws {
        try await Fleet.with { fleet in
            let server = try await fleet.start("user-1", openFiles: Self.limit)
            let endpoint = try #require(fleet.instances.value["user-1"]?.endpoints.first)
            let warning = "no connection can be accepted for now"
            let result = try await fleet.underLoad(callers: 4) {
                let crowd = try (0..<100).map { _ in try TCPConnection(port: endpoint.port) }
                let errors = try await server.waitForErrors(warning)
                #expect(errors.contains("RLIMIT_NOFILE, \(Self.limit)"))
                #expect(errors.contains("ulimit -n"))
                // Another client has to wait until a file is free.
                let channel = try ServiceChannel(
                    to: "user-service", discoverer: fleet.discovery, options: Fleet.channelOptions()
                )
                try await withGRPCClient(transport: channel) { client in
                    for connection in crowd { connection.close() }
                    let users = User_V1_UserService.Client(wrapping: client)
                    var options = CallOptions.defaults
                    options.waitForReady = true
                    let user = try await users.getUser(.with { $0.id = 1 }, options: options)
                    #expect(user.id == 1)
                }
            }
            #expect(result.failures == [:], "of \(result.calls) calls")
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == .exited(0))
            #expect(server.errors.components(separatedBy: warning).count == 2, "it is said once")
        }
    }
}

/// A silent connection.
private struct TCPConnection {
    private let descriptor: CInt

    init(port: Int) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0, "\(String(cString: strerror(errno)))")
    }

    func close() {
        _ = Foundation.close(descriptor)
    }
}
