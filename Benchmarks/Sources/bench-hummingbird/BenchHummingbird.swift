import BenchmarkSupport
import Foundation
import Hummingbird
import Logging
import NIOCore

/// A server on Hummingbird that answers GET /bytes with 100 bytes: prints its port, then serves until its standard input ends.
@main
struct BenchHummingbird {
    static func main() async throws {
        exitAtEndOfStandardInput()
        let router = Router()
        let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: 100)
        router.get("bytes") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/octet-stream"], body: ResponseBody(byteBuffer: body))
        }
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                print(channel.localAddress?.port ?? 0)
                fflush(nil)
            },
            logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
        )
        try await application.runService()
    }
}
