public import ServiceKitConfig

/// Gives a node that has come into service a small weight, which grows to its own in steps: a server's caches are cold, and
/// its connections new.
///
/// A node comes into service when it is ready for the first time, and again when its ejection ends. Balancers that heed
/// weights, ``Node/weight``, then give it more and more calls; so `round_robin` does not. If all nodes are new, all have
/// their share.
public struct SlowStart: Sendable {
    /// The section `client.slow-start`.
    public struct Options: ConfigurationSection, Hashable {
        /// How long a node's weight grows; 0, the default, turns the slow start off.
        public var window = Duration.zero
        /// The first part of its weight that a node gets; 0.1 by default.
        public var minShare = 0.1

        /// The defaults.
        public init() {}

        /// The ranges of the section's values.
        public static let ranges: [OptionRange<Options>] = [
            OptionRange("window", \.window, .zero...(.seconds(86_400))),
            OptionRange("min-share", \.minShare, 0.01...1),
        ]

        /// The meaning of each option.
        public static let help = [
            "window": "how long the weight of an instance grows that has come into service; 0 for no slow start",
            "min-share": "the first part of its weight that an instance gets",
        ]
    }

    /// The number of steps in which a weight grows.
    private static let steps: UInt64 = 10

    private let window: UInt64
    private let minShare: Double

    package init(_ options: Options) {
        window = UInt64(min(max(0, options.window / .nanoseconds(1)), 1e18))
        minShare = options.minShare
    }

    /// The weight that a node has now.
    ///
    /// - Parameters:
    ///   - weight: The weight of its instance.
    ///   - age: How long it has been in service, in nanoseconds.
    /// - Returns: The weight, at least 1 of a weight that is not 0; and after which time in service the next step comes, if
    ///   one does.
    package func weight(of weight: Int, inServiceFor age: UInt64) -> (weight: Int, nextStep: UInt64?) {
        if age >= window || weight <= 0 { return (weight, nil) }
        let length = max(1, window / Self.steps)
        let step = age / length
        let share = min(1, max(minShare, Double(step) / Double(Self.steps)))
        // A weight of a registry may be too large for a product.
        let scaled = Int((Double(min(weight, WeightedList.maximumWeight)) * share).rounded())
        return (max(1, scaled), (step + 1) * length)
    }
}
