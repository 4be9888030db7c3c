public import GRPCNghttp2Transport

/// How a client reaches etcd.
public struct EtcdConfig: Sendable {
    /// The members to talk to; one is used, another when that one fails. They are kept as they are: what members say of
    /// their own addresses is often no use to others.
    public var endpoints: [EtcdEndpoint]

    /// What every key begins with, of this client's point of view: it is put before each key that is sent and taken off
    /// each that comes back. Default: nothing.
    public var namespace = ""

    /// Who the client is. Default: nobody, for an etcd without authentication.
    public var credentials: Credentials?

    /// How `https` endpoints are spoken to. Default: TLS, trusting the system's authorities.
    public var transportSecurity = Nghttp2ClientTransport.TransportSecurity.tls

    /// How long an attempt to connect may take. Default: 5 s.
    public var dialTimeout = Duration.seconds(5)

    /// How long a call may take, with everything that is tried again; a quarter of it when no member can be reached.
    /// Default: 5 s.
    public var requestTimeout = Duration.seconds(5)

    /// How long nothing may come from a member before it is pinged. Default: 6 s, which is a little more than etcd
    /// allows (`--grpc-keepalive-min-time`).
    public var keepaliveTime = Duration.seconds(6)

    /// How long a member may take to answer a ping before it counts as gone. Default: 3 s.
    public var keepaliveTimeout = Duration.seconds(3)

    /// How long to wait at the most before a stream that was lost is made again; the wait is drawn between zero and
    /// this, which starts at 100 ms and doubles. Default: 5 s.
    public var maxBackoff = Duration.seconds(5)

    /// How many events a watch holds for a reader that is behind. When there are more the watch is suspended, and goes
    /// on where it was when the reader has caught up. Default: 10,000.
    public var maxBufferedEvents = 10_000

    /// The largest message taken from etcd, in bytes. Default: 64 MiB.
    public var maxMessageBytes = 64 << 20

    /// A configuration for members that listen at `endpoints`.
    public init(endpoints: [EtcdEndpoint]) {
        self.endpoints = endpoints
    }

    /// A configuration for members whose addresses are written as etcd writes them: `http://127.0.0.1:2379`.
    ///
    /// - Throws: ``EtcdError`` with code ``EtcdError/Code/invalidArgument`` if one is none.
    public init(endpoints: [String]) throws(EtcdError) {
        var parsed: [EtcdEndpoint] = []
        for endpoint in endpoints { parsed.append(try EtcdEndpoint(endpoint)) }
        self.init(endpoints: parsed)
    }

    /// A name and a password. What a description or a reflection of it shows is the name only.
    public struct Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
        CustomReflectable
    {
        /// The user's name.
        public var username: String
        /// The user's password.
        public var password: String

        /// Creates credentials.
        public init(username: String, password: String) {
            self.username = username
            self.password = password
        }

        /// The name.
        public var description: String { "\(username):***" }
        /// The name.
        public var debugDescription: String { description }
        /// The name.
        public var customMirror: Mirror { Mirror(self, children: ["username": username], displayStyle: .struct) }
    }
}

extension EtcdConfig {
    /// How one member is connected to.
    func transportConfig() -> ClientTransportConfig {
        .defaults {
            $0.connectTimeout = dialTimeout
            $0.backoff.max = maxBackoff
            $0.keepalive.time = keepaliveTime
            $0.keepalive.timeout = keepaliveTimeout
            $0.limits.maxMessageBytes = maxMessageBytes
            $0.limits.maxSendMessageBytes = maxMessageBytes
        }
    }

    /// - Throws: ``EtcdError`` that says what is wrong.
    func validate() throws(EtcdError) {
        func refuse(_ message: String) -> EtcdError { EtcdError(code: .invalidArgument, message: "etcd: " + message) }
        guard !endpoints.isEmpty else { throw refuse("there is no endpoint; name one, as in http://127.0.0.1:2379") }
        for endpoint in endpoints {
            guard !endpoint.host.isEmpty else { throw refuse("an endpoint has no host: \(endpoint)") }
            guard (1...65535).contains(endpoint.port) else {
                throw refuse("\(endpoint) has port \(endpoint.port); ports are 1 to 65535")
            }
        }
        for (name, value) in [
            ("dialTimeout", dialTimeout), ("requestTimeout", requestTimeout), ("keepaliveTime", keepaliveTime),
            ("keepaliveTimeout", keepaliveTimeout), ("maxBackoff", maxBackoff),
        ] where value <= .zero {
            throw refuse("\(name) is \(value); it has to be more than zero")
        }
        guard maxBufferedEvents > 0 else {
            throw refuse("maxBufferedEvents is \(maxBufferedEvents); at least 1 is needed")
        }
        guard maxMessageBytes > 0 else { throw refuse("maxMessageBytes is \(maxMessageBytes); at least 1 is needed") }
    }
}
