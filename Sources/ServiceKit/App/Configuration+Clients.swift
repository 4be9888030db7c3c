public import ServiceKitConfig

extension SectionVariants {
    /// The section `clients`, which sets for single services what differs from `client`.
    package static let clients = SectionVariants(
        of: "client",
        in: "clients",
        help: "what differs from `client` in calls to single services, by their names: "
            + "`user-service: {balancer: round_robin}`"
    )
}

extension Configuration {
    /// The configuration as a client of a service reads it: the section `client` has its own values, and over them, key by
    /// key, those of `clients.<service>`.
    ///
    /// ```swift
    /// let options = try ChannelOptions(configuration.client(of: "user-service"))
    /// ```
    /// - Parameter service: The service's name.
    /// - Returns: The configuration. Errors name the section in which the value at fault is written.
    public func client(of service: String) -> Configuration {
        view(of: service, in: .clients)
    }
}

extension ConfigurationSections {
    /// Reads each section below `clients` as a client of that service does, whether or not the program calls the service.
    ///
    /// - Throws: `ConfigurationError` for the first mistake.
    package func checkClients(_ configuration: Configuration) throws {
        for service in configuration.names(of: .clients) {
            try configuration.locatingErrors(at: "\(SectionVariants.clients.collection).\(service)") {
                do throws(RegistryError) {
                    try ServiceInstance.validate(serviceName: service)
                } catch {
                    throw ConfigurationError(message: error.message)
                }
            }
            let view = configuration.view(of: service, in: .clients, isUsed: false)
            try check(view, below: SectionVariants.clients.base)
        }
    }
}
