internal import SwiftProtobuf

/// A member of the cluster, as the cluster sees it.
public struct EtcdMember: Sendable, Hashable, Identifiable {
    /// Its number.
    public var id: UInt64
    /// Its name; empty if it has not started yet.
    public var name: String
    /// Where other members reach it.
    public var peerURLs: [String]
    /// Where it says that clients reach it.
    public var clientURLs: [String]
    /// Whether it does not vote.
    public var isLearner: Bool
}

/// How a member is.
public struct EtcdStatus: Sendable, Hashable {
    /// The version of its etcd.
    public var version: String
    /// Its number.
    public var memberID: UInt64
    /// The number of the leader; `nil` if it knows of none.
    public var leaderID: UInt64?
    /// The revision it is at.
    public var revision: Revision
    /// The election that the leader is of.
    public var raftTerm: UInt64
    /// The size of its database, in bytes.
    public var databaseBytes: Int64
    /// How much of that is in use, in bytes.
    public var databaseBytesInUse: Int64
    /// Whether it does not vote.
    public var isLearner: Bool
    /// What is wrong with it, such as alarms.
    public var errors: [String]
}

/// Something that a member has found wrong, which limits what the cluster does.
public struct EtcdAlarm: Sendable, Hashable {
    /// What is wrong.
    public enum Kind: Sendable, Hashable {
        /// The database has reached its quota: nothing is written any more.
        case noSpace
        /// The member's data is not the others'.
        case corrupt
        /// Something that this client does not know.
        case other(Int)
    }

    /// What is wrong.
    public var kind: Kind
    /// Where.
    public var memberID: UInt64
}

/// The cluster and its maintenance.
extension EtcdClient {
    /// The members of the cluster.
    ///
    /// - Parameter isLinearizable: Whether the answer is the cluster's, not just that of the member asked; version 3.4
    ///   gives only the latter.
    /// - Throws: ``EtcdError``.
    public func clusterMembers(isLinearizable: Bool = true) async throws(EtcdError) -> [EtcdMember] {
        try await calls.unary(.memberList, WireMemberListRequest.with { $0.linearizable = isLinearizable }).members.map
        {
            EtcdMember(
                id: $0.id,
                name: $0.name,
                peerURLs: $0.peerUrls,
                clientURLs: $0.clientUrls,
                isLearner: $0.isLearner
            )
        }
    }

    /// How one member is.
    ///
    /// - Parameter endpoint: One of ``endpoints``.
    /// - Throws: ``EtcdError``.
    public func status(of endpoint: EtcdEndpoint) async throws(EtcdError) -> EtcdStatus {
        let status = try await calls.unary(.status, WireStatusRequest(), on: endpoint)
        return EtcdStatus(
            version: status.version,
            memberID: status.header.memberID,
            leaderID: status.leader == 0 ? nil : status.leader,
            revision: status.header.revision,
            raftTerm: status.raftTerm,
            databaseBytes: status.dbSize,
            databaseBytesInUse: status.dbSizeInUse,
            isLearner: status.isLearner,
            errors: status.errors
        )
    }

    /// Gives the space of what was compacted back to the file system. The member does nothing else in the meantime: one
    /// after the other.
    ///
    /// - Parameters:
    ///   - endpoint: One of ``endpoints``.
    ///   - timeout: How long it may take.
    /// - Throws: ``EtcdError``.
    public func defragment(_ endpoint: EtcdEndpoint, timeout: Duration = .seconds(60)) async throws(EtcdError) {
        _ = try await calls.unary(.defragment, WireDefragmentRequest(), on: endpoint, timeout: timeout)
    }

    /// The alarms that are on.
    ///
    /// - Throws: ``EtcdError``.
    public func alarms() async throws(EtcdError) -> [EtcdAlarm] {
        try await calls.unary(.alarm, WireAlarmRequest.with { $0.action = .get }).alarms.map {
            let kind: EtcdAlarm.Kind =
                switch $0.alarm {
                case .nospace: .noSpace
                case .corrupt: .corrupt
                default: .other($0.alarm.rawValue)
                }
            return EtcdAlarm(kind: kind, memberID: $0.memberID)
        }
    }

    /// Turns an alarm off, after its cause was mended.
    ///
    /// - Throws: ``EtcdError``.
    public func disarm(_ alarm: EtcdAlarm) async throws(EtcdError) {
        let request = WireAlarmRequest.with {
            $0.action = .deactivate
            $0.memberID = alarm.memberID
            $0.alarm =
                switch alarm.kind {
                case .noSpace: .nospace
                case .corrupt: .corrupt
                case .other(let number): WireAlarmType(rawValue: number) ?? .none
                }
        }
        _ = try await calls.unary(.alarm, request)
    }
}
