/// The steps that a program adds between the registry and the node that a call goes to.
///
/// A channel's nodes pass these steps, each of which takes changes and costs the same for any number of nodes:
///
/// 1. *Instances*: the registry names them, and changes them.
/// 2. *Subset*: offline instances, and those without an endpoint for the channel, are left out, then those that
///    `client.filter` (``InstanceFilter``), ``subsets`` and `client.subset` (``DeterministicSubset``) leave out.
/// 3. *Connections*: the channel connects to each instance that is left. It is a ``Node`` for as long as its address stays.
/// 4. *Eligible*: the nodes that are ready, in the order in which they are preferred: those in service (first those of the own
///    zone, see ``ZonePreference``), those of weight 0, those that a policy of ``ejection`` or `client.outlier-ejection` (``OutlierEjection``) has ejected. A node that has come
///    into service may have a smaller weight at first (``SlowStart``).
/// 5. *Pick*: the ``Balancer`` picks one of the most preferred for each attempt of a call, and passes over the nodes that
///    failed the call before, while there is another.
///
/// A ``CallReport`` of the attempt goes back to the balancer, the node's observers and ``observers``.
public struct NodePipeline: Sendable {
    /// Choose the instances to connect to, one after the other.
    public var subsets: [any Subset]
    /// Take nodes out of the balancer's sight, by how calls to them go.
    public var ejection: [any EjectionPolicy]
    /// Learn how each attempt of each call went.
    public var observers: [any CallObserver]

    /// Creates the steps; by default there are none.
    public init(
        subsets: [any Subset] = [],
        ejection: [any EjectionPolicy] = [],
        observers: [any CallObserver] = []
    ) {
        self.subsets = subsets
        self.ejection = ejection
        self.observers = observers
    }
}
