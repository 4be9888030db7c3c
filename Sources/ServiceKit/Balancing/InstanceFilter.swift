public import ServiceKitConfig

/// The instances that meet a condition.
public struct InstanceFilter: Subset {
    /// The section `client.filter`: the labels that an instance must have to be called.
    public struct Options: ConfigurationSection, Hashable {
        /// The version that an instance must have; any by default.
        public var version: String?
        /// The labels that an instance must have, with these values; none by default.
        public var labels: [String: String] = [:]

        /// The defaults.
        public init() {}

        /// The meaning of each option.
        public static let help = [
            "version": "the version that an instance must have to be called",
            "labels": "the labels that an instance must have to be called: `env: staging`",
        ]

        /// Whether an instance meets the conditions.
        func matches(_ instance: ServiceInstance) -> Bool {
            version.map { $0 == instance.version } ?? true && labels.allSatisfy { instance.metadata[$0] == $1 }
        }
    }

    private let isIncluded: @Sendable (ServiceInstance) -> Bool

    /// Creates a filter.
    public init(_ isIncluded: @escaping @Sendable (ServiceInstance) -> Bool) {
        self.isIncluded = isIncluded
    }

    /// Creates the filter of some options.
    public init(_ options: Options) {
        self.init { options.matches($0) }
    }

    /// Passes on the instances that meet the condition, and removes those that no longer do.
    public func update(_ change: InstanceChange) -> InstanceChange {
        var passed = InstanceChange(removed: change.removed)
        for instance in change.added {
            if isIncluded(instance) { passed.added.append(instance) } else { passed.removed.append(instance) }
        }
        return passed
    }
}
