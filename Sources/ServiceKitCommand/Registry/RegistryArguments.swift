import ArgumentParser
import Logging
import ServiceKit
import ServiceKitConfig

struct RegistryArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The registry's backend, instead of registry.backend in the configuration: "
                + RegistryBackends(plugins: Kit.plugins).names.joined(separator: ", ") + ".",
            valueName: "name"
        )
    )
    var backend: String?

    @OptionGroup var app: AppArguments

    /// Creates the registry, and runs it while a body runs. Reads the configuration, unless it has been read. Logs from a level on; at `warning` and below also the
    /// left-out entries. Throws `ConfigurationError` when the configuration does not give a registry; any error of the
    /// body.
    func withRegistry<Result: Sendable>(
        of read: Configuration? = nil,
        logging level: Logger.Level = .error,
        _ body: (_ registry: any Registry, _ backend: String) async throws -> Result
    ) async throws -> Result {
        let configuration: Configuration
        if let read { configuration = read } else { configuration = try await app.configurationWithSources() }
        let backend = try backend ?? configuration.decodeIfPresent(String.self, at: "registry.backend") ?? "file"
        let logger = Logger(label: "kit") { _ in TerminalLog(logLevel: level) }
        let registry = try RegistryBackends(plugins: Kit.plugins)
            .make(backend, configuration: configuration, logger: logger)
        if registry is MemoryRegistry {
            Terminal.error.print(
                "kit: each process has a memory registry of its own; this one does not show the others' instances")
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await registry.run() }
            defer { group.cancelAll() }
            return try await body(registry, backend)
        }
    }

    /// Like ``withRegistry(logging:_:)``, for a body that changes instances of other processes. Throws `CommandFailure`
    /// when the registry lets operators change nothing.
    func withOperator<Result: Sendable>(
        _ body: (_ registry: any Registry, _ operating: any RegistryOperator) async throws -> Result
    ) async throws -> Result {
        try await withRegistry { registry, backend in
            guard let operating = registry as? any RegistryOperator else {
                throw CommandFailure(
                    "the \(backend) registry does not let operators change instances; change their source: "
                        + (registry is StaticRegistry ? "registry.static.services" : "the process that registers them")
                )
            }
            return try await body(registry, operating)
        }
    }
}

extension Registry {
    /// The instances of a service, or of all services, sorted by service and id.
    func listed(_ service: String?) async throws -> [ServiceInstance] {
        let services = if let service { [service] } else { try await allServices() }
        var instances: [ServiceInstance] = []
        for service in services { instances += try await self.instances(of: service).sorted { $0.id < $1.id } }
        return instances
    }

    /// The names of all services. Throws `CommandFailure` when the registry cannot name its services, or refuses: an
    /// etcd user may have rights to one service only.
    func allServices() async throws -> [String] {
        do {
            return try await services()
        } catch let error as RegistryError where error.code == .unsupported || error.code == .permissionDenied {
            throw CommandFailure(
                "\(error.message); or name a service, as in kit registry list user-service (--service "
                    + "for commands that take an instance)")
        }
    }
}
