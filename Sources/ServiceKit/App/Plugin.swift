/// What a module adds to a program: the kinds of registry and the balancers that configuration can name.
///
/// Modules declare theirs as a static member, so that a main reads `App.run(plugins: [.etcd])`.
public struct Plugin: Sendable {
    let install: @Sendable (inout RegistryBackends, inout Balancers) -> Void

    /// Adds a kind of registry.
    public static func registry<Backend: RegistryBackend>(_ backend: Backend.Type) -> Plugin {
        Plugin { backends, _ in backends.add(backend) }
    }

    /// Adds a balancer.
    ///
    /// - Parameters:
    ///   - name: What configuration calls it.
    ///   - make: Makes one for a target.
    public static func balancer(_ name: String, _ make: @escaping @Sendable () -> any Balancer) -> Plugin {
        Plugin { _, balancers in balancers.add(name, make) }
    }
}

extension RegistryBackends {
    /// The embedded kinds of registry and those of plugins.
    public init(plugins: [Plugin] = []) {
        self = .embedded
        var balancers = Balancers()
        for plugin in plugins { plugin.install(&self, &balancers) }
    }
}

extension Balancers {
    /// The balancers of the kit and those of plugins.
    public init(plugins: [Plugin] = []) {
        self = .standard
        var backends = RegistryBackends.embedded
        for plugin in plugins { plugin.install(&backends, &self) }
    }
}
