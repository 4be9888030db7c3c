public import ServiceKitConfig

/// Keeps calls in the client's own zone while that is healthy, and lets them spill over in proportion when it is not.
///
/// The own zone gets all calls while most of its instances are ready and not ejected: the share of those, times an
/// over-provisioning factor, up to all. The rest of the calls goes to the instances of all other zones, by their weights.
/// These are the rules of Envoy's priority levels, with the same factor of 1.4: as long as 71 % of the zone is healthy, no
/// call leaves it; at half of that, half of the calls do. A zone without instances gets none.
public struct ZonePreference: Sendable {
    /// The section `client.zones`.
    public struct Options: ConfigurationSection, Hashable {
        /// Whether the own zone is preferred; false by default.
        public var enabled = false
        /// The own zone; by default that of the App's instance, `app.metadata.zone`. Without one, no zone is preferred.
        public var own: String?
        /// How much more than its share a healthy instance bears; 1.4 by default.
        public var overProvisioning = 1.4

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [
            OptionRange("over-provisioning", \.overProvisioning, 1...100)
        ]

        /// The meaning of each option.
        public static let help = [
            "enabled": "whether calls stay in the client's own zone while that is healthy",
            "own": "the own zone; else that of the App, `app.metadata.zone`",
            "over-provisioning": "how much more than its share an instance bears before calls leave the own zone",
        ]
    }

    /// The preferred zone; `nil` for none.
    package let zone: String?
    private let overProvisioning: Double

    /// - Parameters:
    ///   - options: The options.
    ///   - appZone: The zone of the App's instance.
    package init(_ options: Options = Options(), appZone: String? = nil) {
        zone = options.enabled ? options.own ?? appZone : nil
        overProvisioning = options.overProvisioning
    }

    /// Which part of the calls stays in the own zone.
    ///
    /// - Parameters:
    ///   - healthy: The instances of the zone that are ready and not ejected.
    ///   - total: All instances of the zone.
    ///   - others: The healthy instances of other zones.
    /// - Returns: The part, from 0 to 1.
    package func ownShare(healthy: Int, of total: Int, others: Int) -> Double {
        if zone == nil || others == 0 { return 1 }
        if total == 0 { return 0 }
        return min(1, Double(healthy) / Double(total) * overProvisioning)
    }
}
