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

    fileprivate init(
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

/// The calls that this client makes.
enum EtcdMethods {
    static let range = EtcdMethod<WireRangeRequest, WireRangeResponse>("KV", "Range", isRepeatable: true)
    static let put = EtcdMethod<WirePutRequest, WirePutResponse>("KV", "Put")
    static let deleteRange = EtcdMethod<WireDeleteRangeRequest, WireDeleteRangeResponse>("KV", "DeleteRange")
    static let txn = EtcdMethod<WireTxnRequest, WireTxnResponse>("KV", "Txn")
    static let compact = EtcdMethod<WireCompactionRequest, WireCompactionResponse>("KV", "Compact")

    static let watch = EtcdMethod<WireWatchRequest, WireWatchResponse>("Watch", "Watch", type: .bidirectionalStreaming)

    static let leaseGrant = EtcdMethod<WireLeaseGrantRequest, WireLeaseGrantResponse>("Lease", "LeaseGrant")
    static let leaseRevoke = EtcdMethod<WireLeaseRevokeRequest, WireLeaseRevokeResponse>(
        "Lease", "LeaseRevoke", isRepeatable: true)
    static let leaseKeepAlive = EtcdMethod<WireLeaseKeepAliveRequest, WireLeaseKeepAliveResponse>(
        "Lease", "LeaseKeepAlive", type: .bidirectionalStreaming)
    static let leaseTimeToLive = EtcdMethod<WireLeaseTimeToLiveRequest, WireLeaseTimeToLiveResponse>(
        "Lease", "LeaseTimeToLive", isRepeatable: true)
    static let leaseLeases = EtcdMethod<WireLeaseLeasesRequest, WireLeaseLeasesResponse>(
        "Lease", "LeaseLeases", isRepeatable: true)

    static let memberList = EtcdMethod<WireMemberListRequest, WireMemberListResponse>(
        "Cluster", "MemberList", isRepeatable: true, needsLeader: false)
    static let alarm = EtcdMethod<WireAlarmRequest, WireAlarmResponse>("Maintenance", "Alarm", isRepeatable: true)
    static let status = EtcdMethod<WireStatusRequest, WireStatusResponse>(
        "Maintenance", "Status", isRepeatable: true, needsLeader: false)
    static let defragment = EtcdMethod<WireDefragmentRequest, WireDefragmentResponse>(
        "Maintenance", "Defragment", needsLeader: false)

    static let authenticate = EtcdMethod<WireAuthenticateRequest, WireAuthenticateResponse>(
        "Auth", "Authenticate", isRepeatable: true)
    static let userGet = EtcdMethod<WireAuthUserGetRequest, WireAuthUserGetResponse>(
        "Auth", "UserGet", isRepeatable: true)
}
