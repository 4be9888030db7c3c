import ArgumentParser
import ServiceKit

/// The arguments that name one instance.
struct InstanceChoice: ParsableArguments {
    @Argument(help: "The instance's id, or a unique beginning of it.")
    var id: String

    @Option(help: ArgumentHelp("The service, if several services have the id.", valueName: "name"))
    var service: String?

    func find(in registry: any Registry) async throws -> ServiceInstance {
        try Self.choose(id, among: try await registry.listed(service), of: service)
    }

    /// Finds the instance with an id, or else the only instance whose id begins with the text.
    static func choose(
        _ id: String,
        among instances: [ServiceInstance],
        of service: String?
    ) throws(CommandFailure) -> ServiceInstance {
        let exact = instances.filter { $0.id == id }
        let candidates = exact.isEmpty ? instances.filter { $0.id.hasPrefix(id) } : exact
        if let found = candidates.first, candidates.count == 1 { return found }
        guard !candidates.isEmpty, !id.isEmpty else {
            let place = service.map { "service \"\($0)\" has" } ?? "no service has"
            throw CommandFailure(
                "\(place) \(service == nil ? "an" : "no") instance \"\(id)\"; kit registry list shows those there are"
            )
        }
        let names = candidates.map { "\(InstanceName($0))" }.sorted()
        let text = names.prefix(10).joined(separator: ", ") + (names.count > 10 ? ", …" : "")
        throw CommandFailure(
            "\"\(id)\" may be any of \(names.count) instances: \(text); write "
                + (exact.isEmpty ? "more of the id" : "--service as well")
        )
    }
}
