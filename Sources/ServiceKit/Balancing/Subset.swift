/// Chooses the instances that a channel connects to: the first step between the registry and a pick.
///
/// A channel has a copy of its own of each subset, and calls it for one change after the other: keep the state in the
/// value, and it needs no lock.
///
/// ```swift
/// /// The instances of the own zone.
/// struct SameZone: Subset {
///     let zone: String
///
///     func update(_ change: InstanceChange) -> InstanceChange {
///         InstanceFilter { $0.zone == zone }.update(change)
///     }
/// }
/// ```
public protocol Subset: Sendable {
    /// Takes a change of the instances that the step before passes on, and says how the subset changes.
    ///
    /// A fleet that starts sends one change for each instance: keep the cost of a change independent of the number of
    /// instances. Key state by the instances' ids, and drop it when an instance is removed.
    ///
    /// - Parameter change: The change. Offline instances, and those without an endpoint for the channel, are left out.
    /// - Returns: The change of the subset. It may add instances of earlier changes, and remove instances that are not in
    ///   the subset.
    mutating func update(_ change: InstanceChange) -> InstanceChange
}
