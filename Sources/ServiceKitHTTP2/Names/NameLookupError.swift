/// The addresses of a host's name are not known.
package enum NameLookupError: Error, Hashable, CustomStringConvertible {
    /// The system said so, with this reason.
    case failed(name: String, reason: String)
    /// There was no answer within the limit. `isQueued`: the look-up had not even begun, since others had not ended.
    case timedOut(name: String, limit: Duration, isQueued: Bool)
    /// So many names wait to be looked up that no further one may.
    case queueFull(name: String, limit: Int)

    package var description: String {
        switch self {
        case .failed(let name, let reason):
            "the name \"\(name)\" could not be looked up: \(reason)"
        case .timedOut(let name, let limit, false):
            "the look-up of the name \"\(name)\" took longer than \(limit); "
                + "check the name servers, in /etc/resolv.conf, or give an address"
        case .timedOut(let name, let limit, true):
            "the look-up of the name \"\(name)\" did not begin within \(limit), as look-ups of other names had not ended; "
                + "check the name servers, in /etc/resolv.conf, or give an address"
        case .queueFull(let name, let limit):
            "the name \"\(name)\" was not looked up, as \(limit) names wait for it already"
        }
    }
}
