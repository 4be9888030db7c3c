internal import SwiftProtobuf

/// A member of the cluster, as the cluster knows it.
public struct EtcdMember: Sendable, Hashable, Identifiable {
    /// The member's id.
    public var id: UInt64
    /// The member's name; empty before the member's first start.
    public var name: String
    /// The URLs for other members.
    public var peerURLs: [String]
    /// The URLs that the member gives to clients.
    public var clientURLs: [String]
    /// Whether the member is a learner, which has no vote.
    public var isLearner: Bool
}

/// The state of one member.
public struct EtcdStatus: Sendable, Hashable {
    /// The member's version of etcd.
    public var version: String
    /// The member's id.
    public var memberID: UInt64
    /// The leader's id; `nil` if the member knows no leader.
    public var leaderID: UInt64?
    /// The member's revision of the store.
    public var revision: Revision
    /// The Raft term of the leader.
    public var raftTerm: UInt64
    /// The size of its database, in bytes.
    public var databaseBytes: Int64
    /// The used part of the database, in bytes.
    public var databaseBytesInUse: Int64
    /// Whether the member is a learner, which has no vote.
    public var isLearner: Bool
    /// The member's problems, such as alarms.
    public var errors: [String]
}

/// A fault that a member has found. It limits what the cluster does.
public struct EtcdAlarm: Sendable, Hashable {
    /// The kind of fault.
    public enum Kind: Sendable, Hashable {
        /// The database has reached its quota. etcd refuses writes.
        case noSpace
        /// The member's data differs from the others' data.
        case corrupt
        /// A kind that this client does not know.
        case other(Int)
    }

    /// The kind of fault.
    public var kind: Kind
    /// The id of the member with the fault.
    public var memberID: UInt64
}

/// The cluster and its maintenance.
extension EtcdClient {
    /// The members of the cluster. For a linearizable answer the whole cluster has to agree. Otherwise the member that
    /// is asked answers alone, as etcd 3.4 always does.
    public func clusterMembers(isLinearizable: Bool = true) async throws(EtcdError) -> [EtcdMember] {
        try await calls.unary(EtcdMethods.memberList, WireMemberListRequest.with { $0.linearizable = isLinearizable })
            .members.map {
                EtcdMember(
                    id: $0.id,
                    name: $0.name,
                    peerURLs: $0.peerUrls,
                    clientURLs: $0.clientUrls,
                    isLearner: $0.isLearner
                )
            }
    }

    /// The state of one member, which is one of ``endpoints``.
    public func status(of endpoint: EtcdEndpoint) async throws(EtcdError) -> EtcdStatus {
        let status = try await calls.unary(EtcdMethods.status, WireStatusRequest(), on: endpoint)
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

    /// Returns the space of compacted revisions to the file system of a member, one of ``endpoints``. The member serves
    /// no requests meanwhile, so defragment one member after the other.
    public func defragment(_ endpoint: EtcdEndpoint, timeout: Duration = .seconds(60)) async throws(EtcdError) {
        _ = try await calls.unary(EtcdMethods.defragment, WireDefragmentRequest(), on: endpoint, timeout: timeout)
    }

    /// The active alarms.
    public func alarms() async throws(EtcdError) -> [EtcdAlarm] {
        try await calls.unary(EtcdMethods.alarm, WireAlarmRequest.with { $0.action = .get }).alarms.map {
            let kind: EtcdAlarm.Kind =
                switch $0.alarm {
                case .nospace: .noSpace
                case .corrupt: .corrupt
                default: .other($0.alarm.rawValue)
                }
            return EtcdAlarm(kind: kind, memberID: $0.memberID)
        }
    }

    /// Turns an alarm off. Repair its cause first.
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
        _ = try await calls.unary(EtcdMethods.alarm, request)
    }
}
