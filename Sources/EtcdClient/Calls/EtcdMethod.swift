internal import GRPCCore
internal import SwiftProtobuf

/// One of etcd's calls.
struct EtcdMethod<Input: Message, Output: Message>: Sendable {
    let descriptor: MethodDescriptor
    /// Whether two calls have the effect of one. Such a call is repeated although etcd may have carried it out.
    let isRepeatable: Bool
    /// Whether a member without a leader has to refuse the call. Otherwise the member answers from its own data, or
    /// waits.
    let needsLeader: Bool

    private init(
        _ service: String,
        _ method: String,
        type: MethodDescriptor.RPCType = .unary,
        isRepeatable: Bool = false,
        needsLeader: Bool = true
    ) {
        let service = ServiceDescriptor(fullyQualifiedService: "etcdserverpb.\(service)")
        descriptor = MethodDescriptor(service: service, method: method, type: type)
        self.isRepeatable = isRepeatable
        self.needsLeader = needsLeader
    }

    /// The name in messages.
    var name: String { descriptor.method }
}

extension EtcdMethod where Input == WireRangeRequest, Output == WireRangeResponse {
    static let range = EtcdMethod("KV", "Range", isRepeatable: true)
}

extension EtcdMethod where Input == WirePutRequest, Output == WirePutResponse {
    static let put = EtcdMethod("KV", "Put")
}

extension EtcdMethod where Input == WireDeleteRangeRequest, Output == WireDeleteRangeResponse {
    static let deleteRange = EtcdMethod("KV", "DeleteRange")
}

extension EtcdMethod where Input == WireTxnRequest, Output == WireTxnResponse {
    static let txn = EtcdMethod("KV", "Txn")
}

extension EtcdMethod where Input == WireCompactionRequest, Output == WireCompactionResponse {
    static let compact = EtcdMethod("KV", "Compact")
}

extension EtcdMethod where Input == WireWatchRequest, Output == WireWatchResponse {
    static let watch = EtcdMethod("Watch", "Watch", type: .bidirectionalStreaming)
}

extension EtcdMethod where Input == WireLeaseGrantRequest, Output == WireLeaseGrantResponse {
    static let leaseGrant = EtcdMethod("Lease", "LeaseGrant")
}

extension EtcdMethod where Input == WireLeaseRevokeRequest, Output == WireLeaseRevokeResponse {
    static let leaseRevoke = EtcdMethod("Lease", "LeaseRevoke", isRepeatable: true)
}

extension EtcdMethod where Input == WireLeaseKeepAliveRequest, Output == WireLeaseKeepAliveResponse {
    static let leaseKeepAlive = EtcdMethod("Lease", "LeaseKeepAlive", type: .bidirectionalStreaming)
}

extension EtcdMethod where Input == WireLeaseTimeToLiveRequest, Output == WireLeaseTimeToLiveResponse {
    static let leaseTimeToLive = EtcdMethod("Lease", "LeaseTimeToLive", isRepeatable: true)
}

extension EtcdMethod where Input == WireLeaseLeasesRequest, Output == WireLeaseLeasesResponse {
    static let leaseLeases = EtcdMethod("Lease", "LeaseLeases", isRepeatable: true)
}

extension EtcdMethod where Input == WireMemberListRequest, Output == WireMemberListResponse {
    static let memberList = EtcdMethod("Cluster", "MemberList", isRepeatable: true, needsLeader: false)
}

extension EtcdMethod where Input == WireAlarmRequest, Output == WireAlarmResponse {
    static let alarm = EtcdMethod("Maintenance", "Alarm", isRepeatable: true)
}

extension EtcdMethod where Input == WireStatusRequest, Output == WireStatusResponse {
    static let status = EtcdMethod("Maintenance", "Status", isRepeatable: true, needsLeader: false)
}

extension EtcdMethod where Input == WireDefragmentRequest, Output == WireDefragmentResponse {
    static let defragment = EtcdMethod("Maintenance", "Defragment", needsLeader: false)
}

extension EtcdMethod where Input == WireAuthenticateRequest, Output == WireAuthenticateResponse {
    static let authenticate = EtcdMethod("Auth", "Authenticate", isRepeatable: true)
}

extension EtcdMethod where Input == WireAuthUserGetRequest, Output == WireAuthUserGetResponse {
    static let userGet = EtcdMethod("Auth", "UserGet", isRepeatable: true)
}
