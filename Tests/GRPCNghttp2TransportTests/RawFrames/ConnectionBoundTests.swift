import GRPCCore
import ServiceKitTestSupport
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct ConnectionBoundTests {
    /// A connection over the bound is closed at once. The others do not notice it, and when one of them ends, there is
    /// room again.
    @Test func connectionsOverTheBoundAreClosed() async throws {
        let config = Nghttp2ServerTransport.Config.defaults { $0.maxConnections = 2 }
        try await withServer(["Echo": RawService.echo], config: config) { _, address in
            try await withClient(address) { first in
                _ = try await first.call("Echo")
                try await withClient(address) { second in
                    _ = try await second.call("Echo")
                    let bytes = try await Frames.exchange(address, Frames.preface + Frames.settings) { _ in false }
                    #expect(bytes.isEmpty)
                    let answer = try await second.call("Echo", [1])
                    #expect(answer == [1])
                }
                try await withClient(address) { third in
                    // The server may learn a little later that the second has gone.
                    var options = CallOptions.defaults
                    options.waitForReady = true
                    let answer = try await third.call("Echo", [1], options: options)
                    #expect(answer == [1])
                }
                let answer = try await first.call("Echo", [1])
                #expect(answer == [1])
            }
        }
    }
}
