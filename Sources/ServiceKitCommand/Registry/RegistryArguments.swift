import ArgumentParser
import Logging
import ServiceKit
import ServiceKitConfig

/// The options that say which registry is meant.
struct RegistryArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The registry's backend, in place of registry.backend in the configuration: "
                + RegistryBackends(plugins: Kit.plugins).names.joined(separator: ", ") + ".",
            valueName: "name"
        )
    )
    var backend: String?

    @OptionGroup var app: AppArguments

    /// Makes the registry and runs it while a body uses it.
    ///
    /// - Parameters:
    ///   - level: What is logged on standard error; from `warning` up also which entries are left out.
    ///   - body: Uses it.
    /// - Returns: What the body returns.
    /// - Throws: `ConfigurationError` when the registry cannot be made from the configuration; what the body throws.
    func withRegistry<Result: Sendable>(
        logging level: Logger.Level = .error,
        _ body: (_ registry: any Registry, _ backend: String) async throws -> Result
    ) async throws -> Result {
        let configuration = try app.configuration()
        let backend = try backend ?? configuration.decodeIfPresent(String.self, at: "registry.backend") ?? "file"
        let logger = Logger(label: "kit") { _ in TerminalLog(logLevel: level) }
        let registry = try RegistryBackends(plugins: Kit.plugins)
            .make(backend, configuration: configuration, logger: logger)
        if registry is MemoryRegistry {
            Terminal.error.print(
                "kit: the memory registry is in each process by itself; what others have is not in this one")
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await registry.run() }
            defer { group.cancelAll() }
            return try await body(registry, backend)
        }
    }

    /// Makes the registry and runs it while a body changes what other processes have registered.
    ///
    /// - Parameter body: Uses the registry, which comes a second time as the operator that it is.
    /// - Returns: What the body returns.
    /// - Throws: As ``withRegistry(logging:_:)``; `CommandFailure` when operators cannot change anything in the registry.
    func withOperator<Result: Sendable>(
        _ body: (_ registry: any Registry, _ operating: any RegistryOperator) async throws -> Result
    ) async throws -> Result {
        try await withRegistry { registry, backend in
            guard let operating = registry as? any RegistryOperator else {
                throw CommandFailure(
                    "the \(backend) registry does not let operators change instances; change them where they come from: "
                        + (registry is StaticRegistry ? "registry.static.services" : "the process that registers them")
                )
            }
            return try await body(registry, operating)
        }
    }
}

extension Registry {
    /// The instances of a service, or of all, by service and id.
    func listed(_ service: String?) async throws -> [ServiceInstance] {
        let services: [String]
        if let service {
            services = [service]
        } else {
            services = try await self.allServices()
        }
        var instances: [ServiceInstance] = []
        for service in services {
            instances += try await self.instances(of: service).sorted { $0.id < $1.id }
        }
        return instances
    }

    /// The names of all services.
    ///
    /// - Throws: `CommandFailure` when the registry cannot name them, or does not permit it: a user of etcd that may use one
    ///   service is a user all the same.
    func allServices() async throws -> [String] {
        do {
            return try await services()
        } catch let error as RegistryError where error.code == .unsupported || error.code == .permissionDenied {
            throw CommandFailure(
                "\(error.message); or name a service, as in kit registry list user-service (--service "
                    + "where an instance is named)")
        }
    }
}
