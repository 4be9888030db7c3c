import GRPCCore
import Testing

@testable import EtcdClient

struct EtcdErrorTests {
    private static let endpoint = EtcdEndpoint(host: "10.0.0.1", port: 2379)

    private func code(_ rpc: RPCError.Code, _ text: String) -> EtcdError.Code {
        EtcdError(RPCError(code: rpc, message: text), "Range", on: Self.endpoint).code
    }

    /// The texts of etcd 3.4 and 3.5 with their gRPC codes.
    @Test(arguments: [
        (RPCError.Code.unavailable, "etcdserver: no leader", EtcdError.Code.noLeader),
        (.failedPrecondition, "etcdserver: not leader", .noLeader),
        (.unavailable, "etcdserver: leader changed", .noLeader),
        (.resourceExhausted, "etcdserver: too many requests", .tooManyRequests),
        (.resourceExhausted, "etcdserver: mvcc: database space exceeded", .noSpace),
        (.resourceExhausted, "etcdserver: no space", .noSpace),
        (.notFound, "etcdserver: requested lease not found", .leaseNotFound),
        (.failedPrecondition, "etcdserver: lease already exists", .leaseExists),
        (.outOfRange, "etcdserver: mvcc: required revision has been compacted", .compacted),
        (.outOfRange, "etcdserver: mvcc: required revision is a future revision", .futureRevision),
        (.unauthenticated, "etcdserver: invalid auth token", .unauthenticated),
        (.invalidArgument, "etcdserver: revision of auth store is old", .unauthenticated),
        (.invalidArgument, "etcdserver: user name is empty", .unauthenticated),
        (.invalidArgument, "etcdserver: authentication failed, invalid user ID or password", .unauthenticated),
        (.permissionDenied, "etcdserver: permission denied", .permissionDenied),
        (.unavailable, "etcdserver: request timed out", .unavailable),
        (.unavailable, "etcdserver: server stopped", .unavailable),
        (.invalidArgument, "etcdserver: key is not provided", .invalidArgument),
        (.invalidArgument, "etcdserver: request is too large", .invalidArgument),
        (.invalidArgument, "etcdserver: duplicate key given in txn request", .invalidArgument),
        (.outOfRange, "etcdserver: too large lease TTL", .invalidArgument),
        (.dataLoss, "etcdserver: corrupt cluster", .unknown),
        (.unknown, "context deadline exceeded", .timeout),
        // Errors of gRPC itself, in etcd and in the client.
        (.resourceExhausted, "grpc: received message larger than max (3000000 vs. 2097152)", .invalidArgument),
        (.unimplemented, "unknown method Nothing for service etcdserverpb.KV", .unsupported),
        (.deadlineExceeded, "the call did not complete before its deadline", .timeout),
        (.cancelled, "the call was cancelled", .cancelled),
        (.unavailable, "no leader", .unavailable),
        (.internalError, "oops", .unknown),
    ])
    func statusCodeAndTextGiveTheErrorCode(rpc: RPCError.Code, text: String, code: EtcdError.Code) {
        #expect(self.code(rpc, text) == code)
    }

    /// A gRPC proxy passes on the text only.
    @Test(arguments: [
        ("etcdserver: requested lease not found", EtcdError.Code.leaseNotFound),
        ("etcdserver: permission denied", .permissionDenied),
        ("etcdserver: mvcc: required revision has been compacted", .compacted),
        ("etcdserver: request timed out", .unavailable),
        ("etcdserver: request timed out, possibly due to previous leader failure", .unavailable),
        ("etcdserver: request timed out, possibly due to connection lost", .unavailable),
        ("etcdserver: server stopped", .unavailable),
        ("etcdserver: unhealthy cluster", .unavailable),
        ("grpc: the client connection is closing", .unavailable),
    ])
    func proxyErrorIsRecognisedByItsText(text: String, code: EtcdError.Code) {
        #expect(self.code(.unknown, text) == code)
        #expect(self.code(.cancelled, "the client connection is closing") == .unavailable)
    }

    /// The refusal of a watch has a text only.
    @Test func cancelReasonOfAWatchGivesTheErrorCode() {
        #expect(
            EtcdError.code(ofReason: "rpc error: code = PermissionDenied desc = etcdserver: permission denied")
                == .permissionDenied)
        #expect(EtcdError.code(ofReason: "etcdserver: invalid auth token") == .unauthenticated)
        #expect(EtcdError.code(ofReason: "etcdserver: no leader") == .noLeader)
        #expect(EtcdError.code(ofReason: "mvcc: watcher range is empty") == .invalidArgument)
        #expect(EtcdError.code(ofReason: "something else: entirely") == nil)
        #expect(EtcdError.code(ofReason: "permission denied to think") == nil)
        #expect(EtcdError.code(ofReason: "") == nil)
    }

    @Test func messageNamesEndpointMethodAndText() {
        let error = EtcdError(RPCError(code: .unavailable, message: "no way"), "Put", on: Self.endpoint)
        #expect(error.message == "etcd at http://10.0.0.1:2379: Put: no way")
        #expect("\(error)" == error.message)
    }

    @Test func errorsOfOtherTypesGetACode() {
        struct Odd: Error {}
        #expect(EtcdError(CancellationError(), "Put", on: Self.endpoint).code == .cancelled)
        #expect(EtcdError(Odd(), "Put", on: Self.endpoint).code == .unknown)
        let error = EtcdError(code: .compacted, message: "m", revision: 7)
        #expect(EtcdError(error, "Put", on: Self.endpoint) == error)
    }

    @Test func transientCodesAreThoseThatARetryCanCure() {
        let transient: [EtcdError.Code] = [.unavailable, .timeout, .noLeader, .tooManyRequests]
        let lasting: [EtcdError.Code] = [
            .cancelled, .noSpace, .unauthenticated, .permissionDenied, .invalidArgument, .compacted, .futureRevision,
            .storeReset, .leaseNotFound, .leaseExists, .leaseExpired, .unsupported, .closed, .unknown,
        ]
        for code in transient { #expect(code.isTransient, "\(code)") }
        for code in lasting { #expect(!code.isTransient, "\(code)") }
    }
}
