internal import Logging
internal import ServiceKitConfig

/// Finds the addresses that the registry gives to others for a server of this machine.
///
/// A wildcard is never advertised. A loopback address is advertised to other hosts only if an option says so. Thus the
/// start finds an address that nobody can reach, and names the option to set, before the first client fails.
struct AddressAdvertiser: Sendable {
    let options: AdvertiseOptions
    /// Knows the place of an option, for errors.
    let configuration: Configuration
    let reach: RegistryReach
    let environment: [String: String]
    let interfaces: @Sendable () throws -> [InterfaceAddress]
    let logger: Logger

    /// The endpoints to register for a server that listens on some addresses: one for each, in the same order. Throws
    /// `AppError` when there is no address that others could use, and `ConfigurationError` when the option `advertise`
    /// of the server's section gives one address for several.
    func endpoints(for bound: [Endpoint], of server: String, advertise: AdvertisedAddress?) throws -> [Endpoint] {
        guard let advertise else { return try bound.map { try endpoint(for: $0, of: server) } }
        let endpoints = bound.map(advertise.replacing)
        if Set(endpoints).count < bound.count {
            let error = ConfigurationError(
                message:
                    "\(advertise) is one address, and the server listens on \(bound.count); write a host without a port"
            )
            throw configuration.located(error, at: "server.\(server).advertise")
        }
        return endpoints
    }

    private func endpoint(for bound: Endpoint, of server: String) throws -> Endpoint {
        if HostAddress.isLoopback(bound.host), reach != .machine {
            throw AppError(
                "the \(server) server listens on \(bound.authority), which other hosts cannot reach, and the registry "
                    + "is for other hosts; listen on 0.0.0.0 or set server.\(server).advertise"
            )
        }
        return HostAddress.isWildcard(bound.host) ? try replacingWildcard(of: bound, for: server) : bound
    }

    private func replacingWildcard(of bound: Endpoint, for server: String) throws -> Endpoint {
        if let address = options.host { return address.replacing(bound) }
        if let address = environment["POD_IP"], !address.isEmpty {
            do throws(ConfigurationError) {
                return try AdvertisedAddress(address).replacing(bound)
            } catch {
                throw AppError("the environment variable POD_IP: \(error.message)")
            }
        }
        var endpoint = bound
        if reach == .machine, options.interface == nil, options.cidr == nil {
            endpoint.host = bound.host.contains(":") ? "::1" : "127.0.0.1"
        } else {
            endpoint.host = try interfaceAddress(for: server)
        }
        return endpoint
    }

    private func interfaceAddress(for server: String) throws -> String {
        let all = try interfaces()
        let candidates = all.filter { candidate in
            HostAddress.isRoutable(candidate.address)
                && candidate.address.contains(":") == (options.family == .ipv6)
                && options.interface.map { $0 == candidate.interface } ?? true
                && options.cidr.map { $0.contains(candidate.address) } ?? true
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
