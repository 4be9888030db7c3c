public import ServiceKitConfig

/// The balancers linked into a program, by the names that configuration uses.
///
/// ```yaml
/// client:
///   balancer: p2c        # the balancer of every channel
///   balancers:
///     p2c:               # its options
///       max-idle: 10s
/// ```
public struct Balancers: Sendable {
    struct Kind: Sendable {
        var options: any ConfigurationSection.Type
        var make: @Sendable (Configuration, _ path: String) throws -> any Balancer
    }

    private(set) var kinds: [String: Kind] = [:]

    /// The balancers that come with the kit: `p2c`, `consistent_hash`, `least_request`, `prequal`, `random`,
    /// `round_robin` and `weighted_round_robin`.
    public static var embedded: Balancers {
        var balancers = Balancers()
        balancers.add("p2c") { PowerOfTwoChoices(options: $0) }
        balancers.add("consistent_hash") { ConsistentHash(options: $0) }
        balancers.add("least_request") { LeastRequest(options: $0) }
        balancers.add("prequal") { Prequal(options: $0) }
        balancers.add("random") { RandomChoice() }
        balancers.add("round_robin") { RoundRobin() }
        balancers.add("weighted_round_robin") { WeightedRoundRobin(options: $0) }
        return balancers
    }

    /// The names, sorted.
    public var names: [String] { kinds.keys.sorted() }

    /// Adds a balancer with options, replacing a balancer of the same name.
    ///
    /// - Parameters:
    ///   - name: The name that configuration knows it by. Its options stand under `client.balancers.<name>`.
    ///   - make: Makes a balancer; called several times for a channel, see ``Balancer``. A `ConfigurationError` with a key
    ///     path is reported with file and line of that key, any other error with those of the options.
    public mutating func add<Options: ConfigurationSection>(
        _ name: String,
        _ make: @escaping @Sendable (Options) throws -> any Balancer
    ) {
        kinds[name] = Kind(options: Options.self) { configuration, path in
            let options = try configuration.decode(Options.self, at: path)
            return try configuration.locatingErrors(at: path) { try make(options) }
        }
    }

    /// Adds a balancer without options, replacing a balancer of the same name.
    ///
    /// - Parameters:
    ///   - name: The name that configuration knows it by.
    ///   - make: Makes a balancer; called several times for a channel, see ``Balancer``.
    public mutating func add(_ name: String, _ make: @escaping @Sendable () -> any Balancer) {
        add(name) { (_: NoOptions) in make() }
    }

    private struct NoOptions: ConfigurationSection {}

    /// Makes the balancer of a name.
    ///
    /// - Parameters:
    ///   - name: The name.
    ///   - configuration: Where the options are, under `client.balancers.<name>`.
    /// - Returns: The balancer.
    /// - Throws: `ConfigurationError` when there is no balancer of the name, when options are written for such a name, or
    ///   when an option is wrong.
    public func make(_ name: String, configuration: Configuration = Configuration()) throws -> any Balancer {
        try kind(of: name, configuration).make(configuration, Self.path(of: name))
    }

    /// Makes the balancers of a channel, one for each priority of its nodes.
    ///
    /// - Throws: As ``make(_:configuration:)``.
    package func makeAll(
        _ name: String,
        lanes: LaneOptions = LaneOptions(),
        configuration: Configuration = Configuration()
    ) throws -> PerPriority<any Balancer> {
        let kind = try kind(of: name, configuration)
        return try PerPriority { _ in
            let base = try kind.make(configuration, Self.path(of: name))
            guard lanes.enabled else { return base }
            // The options are good: the base lane has its balancer.
            return LaneBalancer(label: lanes.label, base: base) { try? kind.make(configuration, Self.path(of: name)) }
        }
    }

    /// Makes the balancers of a channel if their name, their options or the lanes differ from those so far.
    ///
    /// - Parameters:
    ///   - name: The name.
    ///   - lanes: The lanes.
    ///   - last: The name and the lanes so far.
    ///   - configuration: Where the options are.
    ///   - earlier: Where the options so far are.
    /// - Returns: The balancers; `nil` if nothing differs.
    /// - Throws: As ``make(_:configuration:)``.
    package func makeAll(
        _ name: String,
        lanes: LaneOptions,
        after last: (name: String, lanes: LaneOptions),
        configuration: Configuration,
        earlier: Configuration
    ) throws -> PerPriority<any Balancer>? {
        _ = try kind(of: name, configuration)
        if name == last.name, lanes == last.lanes, configuration.hasSameValue(as: earlier, at: Self.path(of: name)) {
            return nil
        }
        return try makeAll(name, lanes: lanes, configuration: configuration)
    }

    private static let section = "client.balancers"
    private static func path(of name: String) -> String { "\(section).\(name)" }

    private func kind(of name: String, _ configuration: Configuration) throws(ConfigurationError) -> Kind {
        for key in configuration.keys(at: Self.section) where kinds[key] == nil {
            throw unknown(key, at: Self.path(of: key), configuration)
        }
        guard let kind = kinds[name] else { throw unknown(name, at: "client.balancer", configuration) }
        return kind
    }

    private func unknown(_ name: String, at path: String, _ configuration: Configuration) -> ConfigurationError {
        let message = KeySuggestion.message(forMissing: "balancer", name, known: names)
        return configuration.located(ConfigurationError(message: message), at: path)
    }
}
