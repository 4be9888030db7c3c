public import Logging
public import ServiceKitConfig

/// The section `app`: the service's name, its instance, and its address.
struct AppOptions: ConfigurationSection, Hashable {
    /// The service's name, by which clients find it; by default the name of the program.
    var name: String?
    /// The instance's id; by default the host's name and a number drawn at each start.
    var id: String?
    /// The version of the service's software.
    var version = ""
    /// Labels that clients see: `zone`, `weight` and your own.
    var metadata: [String: String] = [:]
    /// How the address for the registry is chosen.
    var advertise = AdvertiseOptions()
}

/// The section `app.advertise`: the address that the registry gives to others for a server on every interface (`0.0.0.0`
/// or `::`).
///
/// The order is: ``host``; the environment variable `POD_IP`; the addresses that ``interface``, ``cidr`` and ``family``
/// leave. The option `server.NAME.advertise` comes before all of them.
struct AdvertiseOptions: ConfigurationSection, Hashable {
    /// A host name or address.
    var host: AdvertisedAddress?
    /// Only addresses of this network interface: `eth0`.
    var interface: String?
    /// Only addresses of this network: `10.0.0.0/8`.
    var cidr: CIDR?
    /// Only addresses of this family: `ipv4`, the default, or `ipv6`.
    var family = Family.ipv4

    enum Family: String, Codable, Sendable, CaseIterable {
        case ipv4, ipv6
    }
}

/// The section `registry`, without the backends' own parts.
package struct RegistryOptions: ConfigurationSection, Hashable {
    /// The name of the backend, `file` by default.
    package var backend = "file"
    /// The reaction to a registry that cannot take the registration at the start.
    package var registration = Mode.required
    /// How long registering may take when it is required; 20 s by default. That is longer than etcd keeps the entry of a
    /// crashed owner (`registry.etcd.ttl`, 15 s).
    package var timeout = Duration.seconds(20)

    package enum Mode: String, Codable, Sendable, CaseIterable {
        /// The start fails, within ``RegistryOptions/timeout``.
        case required
        /// The service serves, and registers as soon as it can.
        case background
        /// The service is not registered.
        case none
    }

    package init() {}

    package static let ranges: [OptionRange<RegistryOptions>] = [
        OptionRange("timeout", \.timeout, .milliseconds(1)...(.seconds(86_400)))
    ]
}

/// The section `startup`: limits of the start.
struct StartupOptions: ConfigurationSection, Hashable {
    /// How long a hook may take; 30 s by default.
    var hookTimeout = Duration.seconds(30)
    /// How long a server may take to be ready; 30 s by default.
    var readyTimeout = Duration.seconds(30)

    static let ranges: [OptionRange<StartupOptions>] = [
        OptionRange("hook-timeout", \.hookTimeout, .milliseconds(1)...(.seconds(86_400))),
        OptionRange("ready-timeout", \.readyTimeout, .milliseconds(1)...(.seconds(86_400))),
    ]
}

/// The section `shutdown`: limits of the stop. Each phase ends at its limit, and the next begins.
struct ShutdownOptions: ConfigurationSection, Hashable {
    /// How long a hook may take; 10 s by default.
    var hookTimeout = Duration.seconds(10)
    /// How long deregistering may take; 5 s by default.
    var deregisterTimeout = Duration.seconds(5)
    /// How long calls are still accepted after the registry was told, for clients that have not heard of it yet; 1 s by
    /// default.
    var lameDuck = Duration.seconds(1)
    /// How long calls in flight may take before they are cut; then, how long services may take before they are cancelled.
    /// 30 s by default.
    var drainTimeout = Duration.seconds(30)
    /// How long it may take to give back the lease; then, how long it may take to end the registry. 5 s by default.
    var releaseTimeout = Duration.seconds(5)

    static let ranges: [OptionRange<ShutdownOptions>] = [
        OptionRange("hook-timeout", \.hookTimeout, .milliseconds(1)...(.seconds(86_400))),
        OptionRange("deregister-timeout", \.deregisterTimeout, .milliseconds(1)...(.seconds(86_400))),
        OptionRange("lame-duck", \.lameDuck, .zero...(.seconds(86_400))),
        OptionRange("drain-timeout", \.drainTimeout, .zero...(.seconds(86_400))),
        OptionRange("release-timeout", \.releaseTimeout, .milliseconds(1)...(.seconds(86_400))),
    ]
}

extension RegistryOptions {
    /// Reads the section's own values, without the sections of the backends. Throws `ConfigurationError` for the first
    /// value that is wrong.
    package init(_ configuration: Configuration, backends: RegistryBackends) throws(ConfigurationError) {
        self = try configuration.decode(Self.self, at: "registry", except: Set(backends.names))
    }
}

extension RegistryBackends {
    /// Makes the registry that `registry.backend` names.
    ///
    /// - Throws: As ``make(_:configuration:logger:)``.
    public func make(configuration: Configuration, logger: Logger) throws -> any Registry {
        try make(RegistryOptions(configuration, backends: self).backend, configuration: configuration, logger: logger)
    }
}

extension AppOptions: Validatable {
    /// Checks the weight. A wrong one would count as the default, and nobody would see it.
    func validate() throws(ConfigurationError) {
        guard let text = metadata["weight"], ServiceInstance.weight(text) == nil else { return }
        throw ConfigurationError(
            message: "expected a whole number from 0, found \"\(text)\"; 100 is the weight of an instance without one",
            keyPath: "metadata.weight"
        )
    }
}

extension AppOptions {
    static let help = [
        "name": "the service's name, by which clients find it",
        "id": "the instance's id",
        "version": "the version of the service's software",
        "metadata": "labels that clients see: `zone`, `weight` and your own",
    ]
}

extension AdvertiseOptions {
    static let help = [
        "host": "the host that is registered for a server on every interface; without it, the variable `POD_IP` counts",
        "interface": "the network interface whose address is registered: `eth0`",
        "cidr": "the network whose address is registered: `10.0.0.0/8`",
        "family": "the family of the registered address: `ipv4` or `ipv6`",
    ]
}

extension RegistryOptions {
    package static let help = [
        "backend": "the registry: `file`, `memory`, `static`, `etcd`, or a plugin's",
        "registration":
            "`required`: the start waits for the registration, and fails without it; `background`: the "
            + "service serves, and registers when it can; `none`: it does not register",
        "timeout":
            "how long a required registration may take; this includes the wait for an id whose owner has "
            + "crashed",
    ]
}

extension StartupOptions {
    static let help = [
        "hook-timeout": "how long a hook of the start may take",
        "ready-timeout": "how long a server may take to be ready",
    ]
}

extension ShutdownOptions {
    static let help = [
        "hook-timeout": "how long a hook of the stop may take",
        "deregister-timeout": "how long deregistering may take",
        "lame-duck": "how long calls are still accepted after the instance has left the registry",
        "drain-timeout":
            "how long calls in flight may take before they are cut; then, how long services may take before they "
            + "are cancelled",
        "release-timeout":
            "how long it may take to give back the lease; then, how long it may take to end the "
            + "registry",
    ]
}
