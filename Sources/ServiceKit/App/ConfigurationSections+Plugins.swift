internal import ServiceKitConfig

// The sections of the kinds of thing that configuration can name. A kind that is registered has its section.

extension RegistryBackends {
    /// Adds the section `registry`, and that of each backend below it.
    func add(to sections: inout ConfigurationSections) {
        sections.add(RegistryOptions.self, at: "registry", except: Set(names)) { options, configuration in
            _ = try make(options.backend, configuration: configuration, logger: .silent)
        }
        for (name, kind) in kinds.sorted(by: { $0.key < $1.key }) {
            sections.addOptional(kind.options, at: "registry.\(name)") { _ = try kind.make($0, .silent) }
        }
    }
}

extension Balancers {
    /// Adds the section of each balancer, and the check of the names in the section `client`.
    func add(to sections: inout ConfigurationSections) {
        sections.add(
            ConfigurationSections.Entry(path: "client.balancers") { configuration in
                if let name = try configuration.decodeIfPresent(String.self, at: "client.balancer") {
                    _ = try make(name, configuration: configuration)
                }
                for name in configuration.keys(at: "client.balancers") {
                    _ = try make(name, configuration: configuration)
                }
            }
        )
        for (name, kind) in kinds.sorted(by: { $0.key < $1.key }) {
            let path = "client.balancers.\(name)"
            sections.addOptional(kind.options, at: path) { _ = try kind.make($0, path) }
        }
    }
}

extension ConfigurationSources {
    /// Adds the section of each source, `config.NAME`.
    func add(to sections: inout ConfigurationSections) {
        for (name, kind) in kinds.sorted(by: { $0.key < $1.key }) {
            sections.addOptional(kind.options, at: "config.\(name)") { _ = try kind.make($0, .silent) }
        }
    }
}
