import ServiceKitProtobuf

extension CallTarget {
    /// The services of a server that the target may mean, by name; an error if there is none.
    func services(among names: [String]) throws(CommandFailure) -> [String] {
        if let service, names.contains(service) { return [service] }
        let matches = names.filter(admits)
        if matches.isEmpty {
            let all = names.joined(separator: ", ")
            throw CommandFailure("\(peer) has no service \"\(service ?? "")\"; it has: \(all)")
        }
        return matches
    }

    /// The one method that the target means; an error if there is none, or more than one.
    func method(among services: [ServiceType]) throws(CommandFailure) -> (service: String, method: MethodType) {
        guard let method else {
            throw CommandFailure("which method? \(peer) has: \(Self.list(services)); --list lists them")
        }
        let matches = services.flatMap { service in
            service.methods.filter { $0.name == method }.map { (service: service.name, method: $0) }
        }
        guard let match = matches.first else {
            throw CommandFailure("\(peer) has no method \"\(method)\"; it has: \(Self.list(services))")
        }
        guard matches.count == 1 else {
            let names = matches.map { "\($0.service)/\(method)" }.joined(separator: ", ")
            throw CommandFailure("\(peer) has more than one method \"\(method)\": \(names); name the service as well")
        }
        return match
    }

    private static func list(_ services: [ServiceType]) -> String {
        services.flatMap { service in service.methods.map { "\(service.name)/\($0.name)" } }.joined(separator: ", ")
    }
}
