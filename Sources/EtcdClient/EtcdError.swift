internal import GRPCCore

/// A failure of etcd, or of the way to it.
public struct EtcdError: Error, Sendable, Hashable {
    /// The kind of failure.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String
        /// Whether the same request can succeed later without any repair.
        public let isTransient: Bool

        private init(_ name: String, isTransient: Bool = false) {
            description = name
            self.isTransient = isTransient
        }

        /// No member could be reached, or the connection to the member broke during the request.
        public static let unavailable = Code("unavailable", isTransient: true)
        /// There was no answer in time. etcd may or may not have carried out the request.
        public static let timeout = Code("timeout", isTransient: true)
        /// The task was cancelled.
        public static let cancelled = Code("cancelled")
        /// The cluster has no leader, or the member has lost touch with the leader.
        public static let noLeader = Code("noLeader", isTransient: true)
        /// etcd is overloaded and refuses requests.
        public static let tooManyRequests = Code("tooManyRequests", isTransient: true)
        /// The database has no space left; see ``EtcdClient/alarms()``.
        public static let noSpace = Code("noSpace")
        /// The name or the password is wrong, or etcd needs both and got none.
        public static let unauthenticated = Code("unauthenticated")
        /// The user may not do this.
        public static let permissionDenied = Code("permissionDenied")
        /// The request breaks a rule of etcd. A repetition fails too.
        public static let invalidArgument = Code("invalidArgument")
        /// etcd no longer keeps the revision; ``EtcdError/revision`` is the oldest kept.
        public static let compacted = Code("compacted")
        /// The store has not reached this revision yet.
        public static let futureRevision = Code("futureRevision")
        /// The store is not the store of before, or its revision went back: its data was wiped or restored.
        public static let storeReset = Code("storeReset")
        /// There is no such lease, or no longer.
        public static let leaseNotFound = Code("leaseNotFound")
        /// A lease with this id exists already.
        public static let leaseExists = Code("leaseExists")
        /// The lease was not renewed in time.
        public static let leaseExpired = Code("leaseExpired")
        /// The server does not know this request. It may not be an etcd.
        public static let unsupported = Code("unsupported")
        /// The client was shut down.
        public static let closed = Code("closed")
        /// Something else.
        public static let unknown = Code("unknown")
    }

    /// The kind of failure.
    public var code: Code
    /// The request, the member that got it, and the member's answer.
    public var message: String
    /// With ``Code/compacted``: the oldest revision that etcd keeps, if etcd named it.
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

    /// Translates a failed call. etcd's texts tell its failures apart; they are the same in all versions.
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
        let code = Self.code(ofReason: error.message) ?? Self.code(of: error.code)
        // An etcd from 3.4 on knows every request of this client. Another gRPC server does not, nor does a gateway for HTTP,
        // whose status 404 gRPC translates to `unimplemented`.
        let remedy = code == .unsupported ? "; this is not an etcd from 3.4 on: correct the endpoint" : ""
        self.init(code: code, message: "etcd at \(endpoint): \(what): \(error.message)\(remedy)")
    }

    /// The code for one of etcd's texts.
    static func code(ofReason text: String) -> Code? {
        // A member that gives up, without a leader for example, sends this text with the code `unknown`.
        if text == "context deadline exceeded" { return .timeout }
        // A gRPC proxy sends this when it has lost its connection to etcd.
        if text.hasSuffix("the client connection is closing") { return .unavailable }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        // Some texts go on after a comma, in words that differ.
        let words = text[text.index(after: colon)...].drop { $0 == " " }
        switch words.hasPrefix("request timed out") ? "request timed out" : words {
        case "no leader", "not leader", "leader changed": return .noLeader
        // A member sends these with a code; a gRPC proxy sends only the text.
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
        // `resourceExhausted` without a known text means a message that is too large. Load and space have texts of
        // their own.
        case .invalidArgument, .failedPrecondition, .outOfRange, .resourceExhausted: .invalidArgument
        case .unimplemented: .unsupported
        default: .unknown
        }
    }
}
