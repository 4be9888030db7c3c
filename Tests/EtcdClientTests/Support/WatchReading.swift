import ServiceKitTestSupport
import Testing

@testable import EtcdClient

extension Watch.Iterator {
    /// Reads until etcd watches.
    ///
    /// - Returns: From which revision on.
    @discardableResult
    mutating func connected() async throws -> Revision {
        while let update = try await next() {
            if case .connected(let revision) = update { return revision }
        }
        throw CancellationError()
    }

    /// Reads until the watch is interrupted.
    mutating func interrupted() async throws -> EtcdError {
        while let update = try await next() {
            if case .interrupted(let error) = update { return error }
        }
        throw CancellationError()
    }

    /// Reads the next changes that are told at once.
    mutating func events() async throws -> [WatchEvent] {
        while let update = try await next() {
            if case .events(let events) = update { return events }
        }
        throw CancellationError()
    }

    /// Reads so many changes, or some more that were told with the last.
    mutating func events(_ count: Int) async throws -> [WatchEvent] {
        var all: [WatchEvent] = []
        while all.count < count { all += try await events() }
        return all
    }

    /// Reads until the watch ends.
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
    /// What happened to which key, and what it is now: `put a=1`, `delete a`.
    var summary: String {
        switch kind {
        case .put: "put \(entry.keyText)=\(entry.valueText)"
        case .delete: "delete \(entry.keyText)"
        }
    }
}

extension EtcdClient {
    /// Waits until there are so many watches.
    func waitForWatches(_ count: Int) async throws {
        try await eventually { hub.count == count }
    }

    /// Waits until so many leases are kept alive.
    func waitForLeases(_ count: Int) async throws {
        try await eventually { keeper.count == count }
    }
}
