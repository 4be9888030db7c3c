import ArgumentParser
import ServiceKit

struct ResolveCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "resolve",
            abstract: "Prints the addresses that clients of a service use, one on each line.",
            discussion: """
                kit registry resolve user-service
                kit registry resolve user-service --scheme http

                Instances that are offline are left out. The exit code is 1 when there is no address.

                With --json it prints an array of {"id", "address", "endpoint", "weight"}.
                """
        )
    }

    @Argument(help: "The service.")
    var service: String

    @Option(help: "The protocol: that of the endpoints' URLs.")
    var scheme = "grpc"

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var registry: RegistryArguments

    func run() async throws {
        let instances = try await registry.withRegistry { registry, _ in try await registry.listed(service) }
        let addresses = Self.addresses(of: instances, scheme: scheme)
        if json {
            Terminal.output.print(try JSONText.document(addresses))
        } else {
            for address in addresses { Terminal.output.print(address.address) }
        }
        guard addresses.isEmpty else { return }
        let offline = instances.count(where: \.isOffline)
        throw CommandFailure(
            instances.isEmpty
                ? "service \"\(service)\" has no instance"
                : "service \"\(service)\" has no instance to call by \(scheme); of \(instances.count) are \(offline) offline"
        )
    }

    /// An address as a client uses it.
    struct Address: Encodable, Hashable {
        let id: String
        let address: String
        let endpoint: Endpoint
        let weight: Int
    }

    static func addresses(of instances: [ServiceInstance], scheme: String) -> [Address] {
        instances.filter { !$0.isOffline }.compactMap { instance in
            instance.endpoint(schemes: [scheme]).map {
                Address(id: instance.id, address: $0.authority, endpoint: $0, weight: instance.weight)
            }
        }
    }
}
