/// The environment variables that a platform sets in this process for each neighbouring service.
///
/// Kubernetes sets `KIT_REGISTRY_SERVICE_HOST`, `KIT_REGISTRY_PORT=tcp://10.0.0.1:80` and more in every pod beside a
/// Service called `kit-registry`. `docker run --link` sets `KIT_REGISTRY_PORT…`, `KIT_REGISTRY_NAME` and
/// `KIT_REGISTRY_ENV_…` for a container of that name. These variables are not meant for the configuration.
///
/// Sources: "Discovering services" in Kubernetes' "Service" page and `pkg/kubelet/envvars`; "Legacy container links" of
/// Docker and `daemon/links`.
struct PlatformVariables {
    /// The role of a variable for the service that its name begins with.
    private enum Role {
        /// An address or a port alone. A user's variable may hold one too.
        case host, port
        /// A name and a value that only a platform gives.
        case proof
        /// A variable of a linked container, copied under the link's name. It may hold any value.
        case copy
    }

    /// The services, in the form that begins their variables' names: `KIT_REGISTRY`.
    private let services: Set<Substring>

    init(_ environment: [String: String]) {
        var hosts: Set<Substring> = []
        var ports: Set<Substring> = []
        var services: Set<Substring> = []
        for (name, value) in environment where name.hasPrefix(EnvironmentLayer.prefix) {
            for (service, role) in Self.readings(of: name, value) {
                switch role {
                case .host: hosts.insert(service)
                case .port: ports.insert(service)
                case .proof: services.insert(service)
                case .copy: break
                }
            }
        }
        self.services = services.union(hosts.intersection(ports))
    }

    /// Whether the platform set the variable: other variables of the same service have a platform's form too, or the
    /// variable's own form leaves no doubt.
    func contains(_ name: String, _ value: String) -> Bool {
        Self.readings(of: name, value).contains { services.contains($0.service) }
    }

    /// Whether a variable alone looks like one that Kubernetes sets.
    static func hasForm(_ name: String, _ value: String) -> Bool {
        readings(of: name, value).contains { $0.role != .copy }
    }

    /// The services that the variable may belong to: a name can be split at several places.
    private static func readings(of name: String, _ value: String) -> [(service: Substring, role: Role)] {
        name.indices.filter { name[$0] == "_" }.compactMap { index in
            let service = name[..<index]
            guard let role = role(of: name[name.index(after: index)...], value, service: service) else { return nil }
            return (service, role)
        }
    }

    private static func role(of rest: Substring, _ value: String, service: Substring) -> Role? {
        switch rest {
        case "SERVICE_HOST": return isAddress(value) ? .host : nil
        case "SERVICE_PORT": return isPort(value) ? .port : nil
        case "PORT": return isURL(value) ? .proof : nil
        // The link's path. Its last part is the link's name.
        case "NAME": return value.hasPrefix("/") && isName(value, of: service) ? .proof : nil
        default: break
        }
        if rest.hasPrefix("SERVICE_PORT_") { return isPort(value) ? .port : nil }
        if rest.hasPrefix("ENV_") { return .copy }
        return isAboutPort(rest, value) ? .proof : nil
    }

    // MARK: - Forms

    /// Whether a variable describes one port: `PORT_80_TCP=tcp://10.0.0.1:80`, `PORT_80_TCP_ADDR=10.0.0.1`.
    private static func isAboutPort(_ rest: Substring, _ value: String) -> Bool {
        let form = /PORT_(?<port>[0-9]+)_(?<transport>TCP|UDP|SCTP)(?:_(?<part>.*))?/
        guard let parts = rest.wholeMatch(of: form), isPort(parts.port) else { return false }
        let transport = parts.transport.lowercased()
        switch parts.part ?? "" {
        // Docker sets the start and the end of a range.
        case "", "START", "END": return isURL(value) && value.hasPrefix(transport + ":")
        case "PORT", "PORT_START", "PORT_END": return isPort(value[...])
        case "PROTO": return value == transport
        case "ADDR": return !value.isEmpty
        default: return false
        }
    }

    /// `tcp://10.0.0.1:80`
    private static func isURL(_ text: String) -> Bool {
        text.wholeMatch(of: /(?:tcp|udp|sctp):\/\/.*:([0-9]+)/).map { isPort($0.1) } ?? false
    }

    private static func isPort(_ text: some StringProtocol) -> Bool {
        !text.hasPrefix("+") && UInt16(text) ?? 0 > 0
    }

    /// Whether a text has the form of an IPv4 or IPv6 address.
    private static func isAddress(_ text: String) -> Bool {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false)
        if numbers.count == 4, numbers.allSatisfy({ UInt8($0) != nil }) { return true }
        return text.count { $0 == ":" } >= 2 && text.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }

    /// Whether a path ends in the name that a service's variables are named after.
    private static func isName(_ path: String, of service: Substring) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        return name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined() == service
    }
}
