import Foundation
import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite(.timeLimit(.minutes(1)))
struct UnixSocketTests {
    @Test func socketFileIsServedAndRemoved() async throws {
        let path = try #require(TransportAddress.unusedPath().path)
        let peer = Shared("")
        let echo: RawHandler = { request, context in
            peer.update { $0 = context.localPeer }
            return try await RawService.echo(request, context)
        }
        try await withServer(["Echo": echo], address: .unixDomainSocket(path: path)) { _, address in
            #expect(address == .unixDomainSocket(path: path))
            try await withClient(address) { client in
                let answer = try await client.call("Echo", [1, 2])
                #expect(answer == [1, 2])
            }
            #expect(peer.value == "unix:\(path)")
            #expect(FileManager.default.fileExists(atPath: path))
        }
        #expect(!FileManager.default.fileExists(atPath: path), "the next server finds the place free")
    }

    @Test func existingFileIsNamedAndKept() async throws {
        let path = try #require(TransportAddress.unusedPath().path)
        try await withServer(["Echo": RawService.echo], address: .unixDomainSocket(path: path)) { _, address in
            let second = Nghttp2ServerTransport(address: address)
            let error = await #expect(throws: ServerBindError.self) { try await second.listen { _, _ in } }
            #expect(error?.description.contains("unix:\(path)") == true)
            #expect(error?.description.contains("remove the file") == true)
            #expect(FileManager.default.fileExists(atPath: path), "it belongs to the first")
        }
    }

    @Test func missingSocketIsNamed() async throws {
        let recorder = StateRecorder()
        let address = TransportAddress.unusedPath()
        try await withClientConnection(address, recorder: recorder, untilReady: false) { _ in
            try await eventually { recorder.lastFailure != nil }
            #expect(recorder.lastFailure?.message == "cannot connect to \(address): No such file or directory")
        }
    }
}
