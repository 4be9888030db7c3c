@testable import EtcdClient

extension WatchBuffer {
    private static let mark = WatchUpdate.interrupted(
        EtcdError(code: .unknown, message: "the end of the present updates"))

    /// Reads the present updates, without a wait for more.
    func told() async throws -> [WatchUpdate] {
        _ = offer(Self.mark)
        var updates: [WatchUpdate] = []
        while let update = try await next(), update != Self.mark { updates.append(update) }
        return updates
    }
}

extension WatchEvent {
    /// A write, to compare with.
    static func put(_ key: String, _ revision: Revision) -> WatchEvent {
        WatchEvent(kind: .put, entry: KeyValue(key: key, value: "", modRevision: revision))
    }
}
