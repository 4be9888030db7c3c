internal import GRPCCore

/// What etcd, or the way to it, could not do.
public struct EtcdError: Error, Sendable, Hashable {
    /// The kind of failure.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case unavailable, timeout, cancelled, noLeader, tooManyRequests, noSpace, unauthenticated
            case permissionDenied, invalidArgument, compacted, futureRevision, storeReset, leaseNotFound, leaseExists
            case leaseExpired, unsupported, closed, unknown
        }
        private let value: Value

        /// No member could be reached, or the one that had the request went away.
        public static let unavailable = Code(value: .unavailable)
        /// There was no answer in time. Whether the request was carried out is not known.
        public static let timeout = Code(value: .timeout)
        /// The task was cancelled.
        public static let cancelled = Code(value: .cancelled)
        /// The cluster, or the member asked, has no leader.
        public static let noLeader = Code(value: .noLeader)
        /// etcd has more to do than it takes.
        public static let tooManyRequests = Code(value: .tooManyRequests)
        /// The database has no space left; see ``EtcdClient/alarms()``.
        public static let noSpace = Code(value: .noSpace)
        /// Name or password are wrong, or needed and missing.
        public static let unauthenticated = Code(value: .unauthenticated)
        /// The user may not do this.
        public static let permissionDenied = Code(value: .permissionDenied)
        /// The request breaks a rule; so it will always.
        public static let invalidArgument = Code(value: .invalidArgument)
        /// The revision asked for is no longer kept; ``EtcdError/revision`` is the oldest that is.
        public static let compacted = Code(value: .compacted)
        /// The revision asked for is not there yet.
        public static let futureRevision = Code(value: .futureRevision)
        /// The store is not the one known before, or has gone back in time: its data was wiped or restored.
        public static let storeReset = Code(value: .storeReset)
        /// There is no such lease (any more).
        public static let leaseNotFound = Code(value: .leaseNotFound)
        /// There is a lease with this id already.
        public static let leaseExists = Code(value: .leaseExists)
        /// The lease was not renewed in time.
        public static let leaseExpired = Code(value: .leaseExpired)
        /// The server does not know such a request.
        public static let unsupported = Code(value: .unsupported)
        /// The client was shut down.
        public static let closed = Code(value: .closed)
        /// Something else.
        public static let unknown = Code(value: .unknown)

        /// The code's name.
        public var description: String { value.rawValue }

        /// Whether the same request can succeed later without anyone changing anything else.
        public var isTransient: Bool {
            switch value {
            case .unavailable, .timeout, .noLeader, .tooManyRequests: true
            case .cancelled, .noSpace, .unauthenticated, .permissionDenied, .invalidArgument, .compacted,
                .futureRevision, .storeReset, .leaseNotFound, .leaseExists, .leaseExpired, .unsupported, .closed,
                .unknown:
                false
            }
        }
    }

    /// The kind of failure.
    public var code: Code
    /// What was tried, on which member, and what it said.
    public var message: String
    /// With ``Code/compacted``, the oldest revision that is kept, if etcd has said so.
    public var revision: Int64?

    /// Creates an error.
    public init(code: Code, message: String, revision: Int64? = nil) {
        self.code = code
        self.message = message
        self.revision = revision
    }
}

extension EtcdError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}

extension EtcdError {
    static let closed = EtcdError(code: .closed, message: "etcd: the client was shut down")

    /// What a call's failure means.
    ///
    /// etcd tells its own failures apart by their texts, which are the same in all versions.
    init(_ error: any Error, _ what: String, on endpoint: EtcdEndpoint) {
        guard let error = error as? RPCError else {
            self =
                error as? EtcdError
                ?? EtcdError(
                    code: error is CancellationError ? .cancelled : .unknown,
                    message: "etcd at \(endpoint): \(what): \(error)"
                )
            return
        }
        let text = error.message
        self.init(code: Self.code(of: error), message: "etcd at \(endpoint): \(what): \(text)")
    }

    private static func code(of error: RPCError) -> Code {
        code(ofReason: error.message) ?? code(of: error.code)
    }

    /// What etcd means by one of its texts.
    static func code(ofReason text: String) -> Code? {
        // What a member itself gives up on, without a leader say, comes with a code that says nothing.
        if text == "context deadline exceeded" { return .timeout }
        // A gRPC proxy that has lost its connection to etcd.
        if text.hasSuffix("the client connection is closing") { return .unavailable }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        // Some say more after a comma, in words that differ.
        let words = text[text.index(after: colon)...].drop { $0 == " " }
        switch words.hasPrefix("request timed out") ? "request timed out" : words {
        case "no leader", "not leader", "leader changed": return .noLeader
        // Known by their codes from a member, and by their texts only from a gRPC proxy.
        case "server stopped", "unhealthy cluster", "request timed out": return .unavailable
        case "too many requests": return .tooManyRequests
        case "database space exceeded", "no space": return .noSpace
        case "requested lease not found": return .leaseNotFound
        case "lease already exists": return .leaseExists
        case "required revision has been compacted": return .compacted
        case "required revision is a future revision": return .futureRevision
        case "invalid auth token", "revision of auth store is old", "user name is empty": return .unauthenticated
        case "authentication failed, invalid user ID or password": return .unauthenticated
        case "permission denied": return .permissionDenied
        case "watcher range is empty": return .invalidArgument
        default: return nil
        }
    }

    private static func code(of code: RPCError.Code) -> Code {
        switch code {
        case .unavailable: .unavailable
        case .deadlineExceeded: .timeout
        case .cancelled: .cancelled
        case .unauthenticated: .unauthenticated
        case .permissionDenied: .permissionDenied
        // What is exhausted but for the load and the space, which have texts, is what a message may take.
        case .invalidArgument, .failedPrecondition, .outOfRange, .resourceExhausted: .invalidArgument
        case .unimplemented: .unsupported
        default: .unknown
        }
    }
}
