public import ServiceKitConfig

/// A thing that a module adds to a program and that configuration can name, such as a kind of registry or a balancer.
///
/// Modules declare theirs as a static member, so that a main reads `App.run(plugins: [.etcd])`.
public struct Plugin: Sendable {
    let install: @Sendable (inout PluginCatalogue) -> Void

    /// Adds to the catalogue of one kind of thing. A module that brings a kind of its own adds with this.
    public static func adding<Section: PluginSection>(
        to section: Section.Type,
        _ add: @escaping @Sendable (inout Section) -> Void
    ) -> Plugin {
        Plugin { add(&$0[section]) }
    }

    /// Joins plugins, for a module that brings several.
    public init(joining plugins: Plugin...) {
        install = { catalogue in for plugin in plugins { plugin.install(&catalogue) } }
    }

    private init(_ install: @escaping @Sendable (inout PluginCatalogue) -> Void) {
        self.install = install
    }

    /// Adds a kind of source of configuration.
    public static func configurationSource<Backend: ConfigurationSourceBackend>(_ backend: Backend.Type) -> Plugin {
        adding(to: ConfigurationSources.self) { $0.add(backend) }
    }

    /// Adds a kind of registry.
    public static func registry<Backend: RegistryBackend>(_ backend: Backend.Type) -> Plugin {
        adding(to: RegistryBackends.self) { $0.add(backend) }
    }

    /// Adds a balancer that configuration knows by a name. `make` is called several times for a channel; see
    /// ``Balancer``.
    public static func balancer(_ name: String, _ make: @escaping @Sendable () -> any Balancer) -> Plugin {
        adding(to: Balancers.self) { $0.add(name, make) }
    }

    /// Adds a balancer with options, which stand under `client.balancers.<name>`: `.balancer("ring") { (options:
    /// Ring.Options) in Ring(options) }`. See ``Balancers/add(_:_:)``.
    public static func balancer<Options: ConfigurationSection>(
        _ name: String,
        _ make: @escaping @Sendable (Options) throws -> any Balancer
    ) -> Plugin {
        adding(to: Balancers.self) { $0.add(name, make) }
    }
}

/// All things of one kind that configuration can name.
public protocol PluginSection: Sendable {
    /// The things of this kind that need no plugin.
    static var embedded: Self { get }
}

extension PluginSection {
    /// The things of this kind: those that need no plugin, and those of plugins.
    public init(plugins: [Plugin]) {
        self = PluginCatalogue(plugins)[Self.self]
    }
}

extension RegistryBackends: PluginSection {}
extension Balancers: PluginSection {}
extension ConfigurationSources: PluginSection {}

/// All that configuration can name, by kind.
struct PluginCatalogue: Sendable {
    private var sections: [ObjectIdentifier: any PluginSection] = [:]

    init(_ plugins: [Plugin]) {
        for plugin in plugins { plugin.install(&self) }
    }

    subscript<Section: PluginSection>(section: Section.Type) -> Section {
        get { sections[ObjectIdentifier(section)] as? Section ?? .embedded }
        set { sections[ObjectIdentifier(section)] = newValue }
    }
}
