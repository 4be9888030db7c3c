import ServiceKitTestSupport
import Testing

@testable import EtcdClient

extension Watch.Iterator {
    /// Reads until etcd watches.
    ///
    /// - Returns: The first watched revision.
    @discardableResult
    mutating func connected() async throws -> Revision {
        while let update = try await next() {
            if case .connected(let revision) = update { return revision }
        }
        throw CancellationError()
    }

    /// Reads until the interruption of the watch.
    mutating func interrupted() async throws -> EtcdError {
        while let update = try await next() {
            if case .interrupted(let error) = update { return error }
        }
        throw CancellationError()
    }

    /// Reads the next update with events.
    mutating func events() async throws -> [WatchEvent] {
        while let update = try await next() {
            if case .events(let events) = update { return events }
        }
        throw CancellationError()
    }

    /// Reads this many events, or a few more if they came in the last update.
    mutating func events(_ count: Int) async throws -> [WatchEvent] {
        var all: [WatchEvent] = []
        while all.count < count { all += try await events() }
        return all
    }

    /// Reads until the end of the watch.
    mutating func end() async throws -> EtcdError {
        do {
            while try await next() != nil {}
        } catch let error as EtcdError {
            return error
        }
        throw CancellationError()
    }
}

extension WatchEvent {
    /// The change and the key: `put a=1`, `delete a`.
    var summary: String {
        switch kind {
        case .put: "put \(entry.keyText)=\(entry.valueText)"
        case .delete: "delete \(entry.keyText)"
        }
    }
}

extension EtcdClient {
    /// Waits until there are this many watches.
    func waitForWatches(_ count: Int) async throws {
        try await eventually { hub.count == count }
    }

    /// Waits until this many leases are kept alive.
    func waitForLeases(_ count: Int) async throws {
        try await eventually { keeper.count == count }
    }
}
