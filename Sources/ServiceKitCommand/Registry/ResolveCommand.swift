import ArgumentParser
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC

struct ResolveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Prints the addresses that clients of a service use, one on each line.",
        discussion: """
            kit registry resolve user-service
            kit registry resolve user-service --scheme http

            A client of the kit with this configuration chooses from these addresses. The client calls an instance's grpcs \
            endpoints, or its grpc endpoints if it has none; with a section client.tls it calls only grpcs endpoints. \
            It leaves out offline instances. It leaves out instances of weight 0 if others weigh more. --scheme names \
            another protocol. The exit code is 1 if there is no address.

            With --json it prints an array of {"id", "address", "endpoint", "weight"}.
            """
    )

    @Argument(help: "The service.")
    var service: String

    @Option(help: "The protocol in the endpoints' URLs. Default: grpcs and grpc, like a gRPC client.")
    var scheme: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var registry: RegistryArguments

    func run() async throws {
        let configuration = try await registry.app.configurationWithSources()
        let choice = try choice(configuration)
        let instances = try await registry.withRegistry(of: configuration, logging: .warning) { registry, _ in
            try await registry.listed(service)
        }
        let addresses = Self.addresses(of: instances, choice)
        if json {
            Terminal.output.print(try JSONText.document(addresses))
        } else {
            for address in addresses { Terminal.output.print(address.address) }
        }
        if addresses.isEmpty { throw CommandFailure(Self.failure(of: service, instances, choice)) }
    }

    /// The endpoints to resolve. Default: the endpoints that a channel with this configuration would call.
    private func choice(_ configuration: Configuration) throws -> EndpointChoice {
        if let scheme { return EndpointChoice(schemes: [scheme]) }
        return try ChannelOptions(configuration.client(of: service)).tls.endpointChoice()
    }

    /// An address in the form that a client uses.
    struct Address: Encodable, Hashable {
        let id: String
        let address: String
        let endpoint: Endpoint
        let weight: Int
    }

    static func addresses(of instances: [ServiceInstance], _ choice: EndpointChoice) -> [Address] {
        choice.nodes(of: instances).map { node in
            Address(
                id: node.instance.id,
                address: node.endpoint.authority,
                endpoint: node.endpoint,
                weight: node.instance.weight
            )
        }
    }

    /// The reason why there is no address, with the remedy.
    static func failure(of service: String, _ instances: [ServiceInstance], _ choice: EndpointChoice) -> String {
        if instances.isEmpty { return "service \"\(service)\" has no instance" }
        let protocols = choice.schemes.count == 1 ? choice.schemes[0] : "grpc"
        let (offline, online) = (instances.filter(\.isOffline), instances.filter { !$0.isOffline })
        var parts = [
            "service \"\(service)\" has \(instances.count) instance\(instances.count == 1 ? "" : "s"), and none to call by "
                + protocols
        ]
        if !offline.isEmpty { parts.append("offline: \(offline.count)") }
        let others = Set(online.flatMap(\.endpoints).map(\.scheme)).sorted()
        if !others.isEmpty {
            parts.append("the others have \(others.joined(separator: ", ")): \(remedy(others, choice))")
        }
        let unreadable = online.flatMap(\.unreadableEndpoints)
        if let first = unreadable.first {
            let more = unreadable.count > 1 ? " and \(unreadable.count - 1) more" : ""
            parts.append("not read as scheme://host:port: \(first)\(more)")
        }
        return parts.joined(separator: "; ")
    }

    private static func remedy(_ others: [String], _ choice: EndpointChoice) -> String {
        let best = ["grpcs", "grpc"].first(where: others.contains) ?? others[0]
        let reason = choice.schemes == ["grpcs"] ? "; clients with the section client.tls call grpcs only" : ""
        return "--scheme \(best)\(reason)"
    }
}
