import Foundation
import SwiftProtobuf
import Testing

@testable import EtcdClient

/// A table of watches without a stream. A test takes out the requests, and puts in the answers.
struct WatchBench {
    var table: WatchTable
    private let maxEvents: Int

    init(namespace: String = "", maxEvents: Int = 1000, user: String? = nil) {
        table = WatchTable(Namespace(namespace), user: user)
        self.maxEvents = maxEvents
    }

    /// Begins a stream on which etcd has assigned a requested number: later requests need no wait.
    mutating func connect() async throws {
        table.connected()
        let scout = try await addCreated(.key("scout"), at: 1)
        table.remove(scout.id)
        #expect(cancels() == [scout.number])
    }

    /// Adds a watch.
    mutating func add(
        _ range: KeyRange = .key("k"),
        _ configure: (inout WatchOptions) -> Void = { _ in }
    ) -> (id: Int, buffer: WatchBuffer) {
        let buffer = WatchBuffer(maxEvents: maxEvents) {}
        let id = table.nextID()
        let isTaken = table.add(id, range, .with(configure), buffer)
        #expect(isTaken)
        return (id, buffer)
    }

    /// Adds a watch that etcd has created at a revision.
    ///
    /// - Returns: Also the number on the stream.
    mutating func addCreated(
        _ range: KeyRange = .key("k"),
        at revision: Revision = 10,
        _ configure: (inout WatchOptions) -> Void = { _ in }
    ) async throws -> (id: Int, buffer: WatchBuffer, number: Int64) {
        let (id, buffer) = add(range, configure)
        let number = try #require(creates().first?.watchID)
        create(number, at: revision)
        _ = try await buffer.told()
        return (id, buffer, number)
    }

    // MARK: - What is sent

    mutating func requests() -> [WireWatchRequest] {
        var requests: [WireWatchRequest] = []
        while let request = table.takeRequest() { requests.append(request) }
        return requests
    }

    /// The requests to send. All have to create watches.
    mutating func creates() -> [WireWatchCreateRequest] {
        requests().compactMap { request in
            guard case .createRequest(let create) = request.requestUnion else {
                Issue.record("this creates no watch: \(request)")
                return nil
            }
            return create
        }
    }

    /// The requests to send. All have to cancel watches.
    mutating func cancels() -> [Int64] {
        requests().compactMap { request in
            guard case .cancelRequest(let cancel) = request.requestUnion else {
                Issue.record("this ends no watch: \(request)")
                return nil
            }
            return cancel.watchID
        }
    }

    // MARK: - What etcd says

    @discardableResult
    mutating func create(_ number: Int64, at revision: Revision, cluster: UInt64 = 1) -> WatchTable.Effects {
        receive {
            $0.watchID = number
            $0.created = true
            $0.header.revision = revision
            $0.header.clusterID = cluster
        }
    }

    /// Refuses a watch. etcd does not name it.
    mutating func refuse(_ reason: String, number: Int64 = -1) -> WatchTable.Effects {
        receive {
            $0.watchID = number
            $0.created = true
            $0.canceled = true
            $0.cancelReason = reason
        }
    }

    @discardableResult
    mutating func events(
        _ number: Int64,
        _ revisions: Revision...,
        fragment: Bool = false
    ) -> WatchTable.Effects {
        receive { response in
            response.watchID = number
            response.fragment = fragment
            response.events = revisions.map { revision in
                .with {
                    $0.kv.key = Data("k".utf8)
                    $0.kv.modRevision = revision
                }
            }
        }
    }

    @discardableResult
    mutating func progress(_ number: Int64, _ revision: Revision) -> WatchTable.Effects {
        receive {
            $0.watchID = number
            $0.header.revision = revision
        }
    }

    @discardableResult
    mutating func receive(_ configure: (inout WireWatchResponse) -> Void) -> WatchTable.Effects {
        table.receive(.with(configure))
    }
}

extension WatchUpdate {
    /// Writes of the key of ``WatchBench``.
    static func puts(_ revisions: Revision...) -> WatchUpdate {
        .events(revisions.map { .put("k", $0) })
    }
}
