import Foundation
import HelloAPI
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC

/// The smallest client: `hello-client Ada` calls the service `hello` by its name.
@main struct HelloClient {
    static func main() async {
        do {
            try await greet(CommandLine.arguments.dropFirst().first ?? "world")
        } catch {
            FileHandle.standardError.write(Data("hello-client: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func greet(_ name: String) async throws {
        let configuration = try Configuration.load(files: [])
        let channel = try ServiceChannel(to: "discovery:///hello", configuration: configuration)
        try await channel.withConnections {
            let hello = Hello_V1_Hello.Stub(channel)
            print(try await hello.sayHello(.with { $0.name = name }).text)
        }
    }
}
