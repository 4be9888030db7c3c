import EtcdClient
import Foundation
import GRPCCore
import GRPCNghttp2Transport
import TutorialRegistry
import UnixSignals

/// An instance of the tutorial's service: `tutorial-server ID PORT`.
@main struct Server {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let port = Int(arguments[2]) else {
            FileHandle.standardError.write(Data("usage: tutorial-server ID PORT\n".utf8))
            exit(64)
        }
        let id = arguments[1]
        let etcd = ProcessInfo.processInfo.environment["ETCDCTL_ENDPOINTS"] ?? "http://127.0.0.1:2379"
        do {
            try await serve(id: id, port: port, etcd: EtcdConfig(endpoints: [etcd]))
        } catch {
            FileHandle.standardError.write(Data("\(id): \(error)\n".utf8))
            exit(1)
        }
    }

    static func serve(id: String, port: Int, etcd: EtcdConfig) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let transport = Nghttp2ServerTransport(address: .ipv4(host: "127.0.0.1", port: port))
        let server = GRPCServer(transport: transport, services: [UserService(instance: id)])
        let instance = Instance(service: "user-service", id: id, address: Address(host: "127.0.0.1", port: port))

        try await EtcdClient.withClient(etcd) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.serve() }
                // The server listens first: nobody may find an address that does not answer.
                _ = try await transport.listeningAddress
                group.addTask {
                    try await ServiceRegistry(client).withRegistration(of: instance) {
                        say("\(id): registered 127.0.0.1:\(port)")
                        for await _ in signals { break }
                    }
                    say("\(id): deregistered")
                    // Calls that have begun may end.
                    server.beginGracefulShutdown()
                }
                // The first error ends the other task too.
                for try await _ in group {}
            }
        }
        say("\(id): stopped")
    }

    /// Prints a line at once, also into a pipe.
    private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }
}
