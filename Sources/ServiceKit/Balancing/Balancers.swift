/// The balancers linked into a program, by the names that configuration uses.
public struct Balancers: Sendable {
    private var factories: [String: @Sendable () -> any Balancer] = [:]

    /// The balancers that come with the kit: `p2c` and `round_robin`.
    public static var embedded: Balancers {
        var balancers = Balancers()
        balancers.add("p2c") { PowerOfTwoChoices() }
        balancers.add("round_robin") { RoundRobin() }
        return balancers
    }

    /// The names, sorted.
    public var names: [String] { factories.keys.sorted() }

    /// Adds a balancer, replacing one of the same name.
    ///
    /// - Parameters:
    ///   - name: What configuration calls it.
    ///   - make: Makes one for a channel.
    public mutating func add(_ name: String, _ make: @escaping @Sendable () -> any Balancer) {
        factories[name] = make
    }

    /// Makes the balancer of a name, or gives `nil` when there is none.
    public func make(_ name: String) -> (any Balancer)? {
        factories[name]?()
    }
}
