public import ServiceKitConfig

/// A place that has a part of the configuration and tells its changes: files, a store in the network.
///
/// Plugins bring sources of their own.
public protocol ConfigurationSource: Sendable {
    /// The source in errors and logs: `etcd /config/user-service`.
    var name: String { get }

    /// Whether the program cannot start without the source.
    var isRequired: Bool { get }

    /// How long the start waits for the source; `nil` for ``ConfigurationStore/Options/startTimeout``, or for
    /// ``ConfigurationStore/Options/optionalStartTimeout`` if the source is not required.
    var startTimeout: Duration? { get }

    /// Follows the source until the task is cancelled: reports its state at once, and each later change.
    ///
    /// Reports need no debouncing. An outage is a report too, and no reason to return.
    func run(report: @escaping @Sendable (ConfigurationSourceState) -> Void) async

    /// Looks at the source again, since an operator asked for it. The default does nothing: most sources need no advice.
    func refresh()
}

extension ConfigurationSource {
    /// That of the store.
    public var startTimeout: Duration? { nil }

    /// Does nothing.
    public func refresh() {}
}

/// The state of a ``ConfigurationSource``.
public enum ConfigurationSourceState: Hashable, Sendable {
    /// The source has these documents. Later documents win.
    case loaded([ConfigurationDocument])
    /// The source cannot be read, for this reason. The documents that it had stay in force.
    case away(String)
}
