internal import Logging
private import ServiceKitConfig

/// Finds the addresses that the registry gives to others for a server of this machine.
///
/// A wildcard is never advertised. A loopback address is advertised to other hosts only if an option says so. Thus the
/// start finds an address that nobody can reach, and names the option to set, before the first client fails.
struct AddressAdvertiser: Sendable {
    let options: AdvertiseOptions
    let reach: RegistryReach
    let environment: [String: String]
    let interfaces: @Sendable () throws -> [InterfaceAddress]
    let logger: Logger

    /// The endpoints to register for a server.
    ///
    /// - Parameters:
    ///   - bound: The addresses that the server listens on.
    ///   - server: The server's name, for errors.
    ///   - advertise: The option `advertise` of the server's section.
    /// - Returns: An endpoint for each address, in the same order.
    /// - Throws: `AppError` when there is no address that others could use.
    func endpoints(for bound: [Endpoint], of server: String, advertise: String?) throws -> [Endpoint] {
        let endpoints = try bound.map { try endpoint(for: $0, of: server, advertise: advertise) }
        if let advertise, Set(endpoints).count < bound.count {
            throw AppError(
                "server.\(server).advertise is \(advertise), one address for the \(bound.count) that the server listens "
                    + "on; give a host without a port"
            )
        }
        return endpoints
    }

    private func endpoint(for bound: Endpoint, of server: String, advertise: String?) throws -> Endpoint {
        var endpoint = bound
        if let advertise {
            try apply(advertise, to: &endpoint, option: "server.\(server).advertise")
        } else if HostAddress.isLoopback(bound.host) {
            guard reach == .machine else {
                throw AppError(
                    "the \(server) server listens on \(bound.authority), which other hosts cannot reach, and the registry "
                        + "is for other hosts; listen on 0.0.0.0 or set server.\(server).advertise"
                )
            }
        } else if HostAddress.isWildcard(bound.host) {
            try replaceWildcard(in: &endpoint, of: server)
        }
        return endpoint
    }

    private func replaceWildcard(in endpoint: inout Endpoint, of server: String) throws {
        if let host = options.host {
            try apply(host, to: &endpoint, option: "app.advertise.host")
        } else if let host = environment["POD_IP"], !host.isEmpty {
            try apply(host, to: &endpoint, option: "the environment variable POD_IP")
        } else if reach == .machine, options.interface == nil, options.cidr == nil {
            endpoint.host = endpoint.host.contains(":") ? "::1" : "127.0.0.1"
        } else {
            endpoint.host = try interfaceAddress(for: server)
        }
    }

    private func apply(_ value: String, to endpoint: inout Endpoint, option: String) throws {
        if HostAddress.isIPAddress(value) {
            // An IPv6 address has brackets only before a port.
            endpoint.host = value
        } else if !value.contains(where: { "/?#".contains($0) }), !value.isEmpty,
            let parsed = Endpoint("\(endpoint.scheme)://\(value)")
                ?? Endpoint("\(endpoint.scheme)://\(value):\(endpoint.port)")
        {
            endpoint = parsed
        } else {
            throw AppError("\(option) is \"\(value)\", which is neither a host nor host:port")
        }
        if HostAddress.isWildcard(endpoint.host) {
            throw AppError("\(option) is \(value), which nobody can connect to; give an address or a host name")
        }
    }

    private func interfaceAddress(for server: String) throws -> String {
        var network: CIDR?
        if let cidr = options.cidr {
            network = CIDR(cidr)
            if network == nil {
                throw AppError("app.advertise.cidr is \"\(cidr)\", which is no network such as 10.0.0.0/8")
            }
        }
        let all = try interfaces()
        let candidates = all.filter { candidate in
            HostAddress.isRoutable(candidate.address)
                && candidate.address.contains(":") == (options.family == .ipv6)
                && options.interface.map { $0 == candidate.interface } ?? true
                && network.map { $0.contains(candidate.address) } ?? true
        }
        guard let chosen = candidates.first else {
            throw AppError(
                "no address to register for the \(server) server: none of this machine's "
                    + "(\(all.map(\.description).joined(separator: ", "))) fits app.advertise; set app.advertise.host, "
                    + "the environment variable POD_IP or server.\(server).advertise"
            )
        }
        if candidates.count > 1 {
            logger.warning(
                "several addresses could be registered; set app.advertise to choose",
                metadata: [
                    "server": "\(server)", "chosen": "\(chosen)",
                    "others": "\(candidates.dropFirst().map(\.description).joined(separator: ", "))",
                ]
            )
        }
        return chosen.address
    }
}
