public import ServiceKitConfig

/// The section `client.health-check`: whether a channel asks instances if they serve, by `grpc.health.v1`.
///
/// An instance that says that it does not serve gets no calls. One without a health service counts as serving.
public struct HealthCheckOptions: ConfigurationSection, Hashable {
    /// Whether instances are asked; false by default. It costs one open call for each instance.
    public var enabled = false
    /// The service that instances are asked for; by default the server as a whole.
    public var service = ""

    /// The defaults.
    public init() {}

    /// The meaning of each option.
    public static let help = [
        "enabled": "whether a channel asks each instance if it serves, and calls only those that do",
        "service": "the service that instances are asked for; empty for the server as a whole",
    ]
}
