import Foundation
import ServiceKitSampleAPI
import SwiftProtobuf
import Testing

@testable import ServiceKitHTTP

/// Calls by gRPC-Web over HTTP/1.1.
@Suite(.timeLimit(.minutes(3)))
struct GRPCWebTests {
    private func request(_ id: Int64) throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendEnvelope(flags: 0, try User_V1_GetUserRequest.with { $0.id = id }.serializedBytes() as [UInt8])
        return bytes
    }

    @Test(arguments: ["application/grpc-web", "application/grpc-web+proto"])
    func messageAndTrailersAreTheBody(_ type: String) async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post("GetUser", type, request(2))
            #expect(response.status == 200)
            #expect(response.fields["content-type"] == type)
            let pieces = pieces(response.body)
            #expect(pieces.map(\.flags) == [0, 0x80])
            #expect(pieces.last?.text == "grpc-status: 0\r\n")
        }
    }

    @Test func textIsBase64() async throws {
        try await HTTPTestServer.with { server in
            // Two pieces, each with padding of its own.
            let bytes = try request(2)
            let text = Data(bytes[..<4]).base64EncodedString() + Data(bytes[4...]).base64EncodedString()
            let response = try await server.post("GetUser", "application/grpc-web-text", Array(text.utf8))
            #expect(response.fields["content-type"] == "application/grpc-web-text")
            let decoded = try #require(decodeAll(response.text))
            #expect(pieces(decoded).map(\.flags) == [0, 0x80])
        }
    }

    @Test func errorIsInTheTrailers() async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post("GetUser", "application/grpc-web", request(9))
            #expect(response.status == 200)
            let last = try #require(pieces(response.body).last)
            #expect(last.flags == 0x80)
            #expect(last.text.hasPrefix("grpc-status: 5\r\ngrpc-message: there is no user 9\r\n"))
            #expect(last.text.contains("grpc-status-details-bin: "))
        }
    }

    @Test(arguments: [[0, 0, 0, 0, 9, 1], [7, 0, 0, 0, 0], [0, 0xff, 0xff, 0xff, 0xff]] as [[UInt8]])
    func brokenFramesEndTheCall(_ body: [UInt8]) async throws {
        try await HTTPTestServer.with { server in
            let response = try await server.post("GetUser", "application/grpc-web", body)
            let last = try #require(pieces(response.body).last)
            #expect(last.text.hasPrefix("grpc-status: 3") || last.text.hasPrefix("grpc-status: 8"))
        }
    }

    /// Pieces of base64, each with its own padding.
    private func decodeAll(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: text.utf8.count, by: 4) {
            let group = text.utf8.dropFirst(start).prefix(4)
            guard let data = Data(base64Encoded: String(Substring(group))) else { return nil }
            bytes += data
        }
        return bytes
    }
}
