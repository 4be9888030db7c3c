/// How much a call matters when a server has to refuse some.
///
/// The header ``header`` has it, and travels with ``MetadataPropagation`` to every server on the way: so a call that is made
/// for a sheddable one is sheddable too. A caller sets it with ``withOutgoingMetadata(_:isolation:_:)``. Any caller can: the
/// first server behind a public address should set it itself.
public enum CallPriority: String, Sendable, CaseIterable, Comparable {
    /// Work that nobody waits for, such as a prefetch or a batch. It is refused first.
    case sheddable
    /// All other calls, also those without the header, or with a value that is not known.
    case `default`
    /// Calls that users see fail. They are refused last.
    case critical

    /// The name of the header: `x-md-global-priority`.
    public static let header = "x-md-global-priority"

    /// Less important first.
    public static func < (left: CallPriority, right: CallPriority) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .sheddable: 0
        case .default: 1
        case .critical: 2
        }
    }

    /// The share of a limit that calls of this priority may have, those of lower ones included; at least 1. Critical calls may
    /// have all of it. A tenth is left to them, or the reserve if that is more. Of the rest, half is left to calls that are not
    /// sheddable.
    func share(of limit: Int, reserve: Int = 0) -> Int {
        let withoutReserve = limit - max(1, limit / 10, reserve)
        return switch self {
        case .critical: max(1, limit)
        case .default: max(1, withoutReserve)
        case .sheddable: max(1, withoutReserve / 2)
        }
    }
}

extension Call {
    /// The call's priority, by its header.
    public var priority: CallPriority {
        metadata.text(ofLowercase: CallPriority.header).flatMap(CallPriority.init(rawValue:)) ?? .default
    }
}
