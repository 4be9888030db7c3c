internal import GRPCNghttp2Transport
internal import Logging

/// How a client reaches etcd.
public struct EtcdConfig: Sendable {
    /// The members to talk to. The client uses one, and another when that one fails. It does not ask members for their
    /// own addresses: these are often of no use to clients.
    public var endpoints: [EtcdEndpoint]

    /// A prefix of every key. The client adds it to each key that it sends, and removes it from each key that it
    /// receives. Default: none.
    public var namespace = ""

    /// The user. Default: none, for an etcd without authentication.
    public var credentials: Credentials?

    /// The certificates for `https` endpoints. Default: the system's authorities, and none of the client's own.
    public var tls = TLS()

    /// The time limit of an attempt to connect. Default: 5 s.
    public var dialTimeout = Duration.seconds(5)

    /// The time limit of a call with all its repetitions. A call that reaches no member fails after a quarter of it.
    /// Default: 5 s.
    public var requestTimeout = Duration.seconds(5)

    /// The silence of a member after which the client sends a ping. Default: 6 s, a little more than etcd's minimum
    /// (`--grpc-keepalive-min-time`, 5 s).
    public var keepaliveTime = Duration.seconds(6)

    /// The time limit of a ping's answer. After it the member counts as gone. Default: 3 s.
    public var keepaliveTimeout = Duration.seconds(3)

    /// The largest bound of the wait before a lost stream is made again. The wait is random between zero and a bound,
    /// which starts at 100 ms and doubles. Default: 5 s.
    public var maxBackoff = Duration.seconds(5)

    /// The number of events that a watch holds for a slow reader. When more arrive, the watch is suspended. It resumes
    /// at the same place when the reader has caught up. Default: 10,000.
    public var maxBufferedEvents = 10_000

    /// The size limit of a message from etcd or to it, in bytes. Default: 64 MiB.
    public var maxMessageBytes = 64 << 20

    /// Creates a configuration for members that listen at `endpoints`.
    public init(endpoints: [EtcdEndpoint]) {
        self.endpoints = endpoints
    }

    /// Creates a configuration from addresses in etcd's notation: `http://127.0.0.1:2379`.
    ///
    /// - Throws: `invalidArgument` if a text is not an address.
    public init(endpoints: [String]) throws(EtcdError) {
        self.init(endpoints: try endpoints.map { text throws(EtcdError) in try EtcdEndpoint(text) })
    }

    /// The certificates for `https` endpoints, in PEM files. Files that change are read again.
    public struct TLS: Sendable, Hashable, Codable {
        /// The authorities that may sign the members' certificates. Default: the system's.
        public var ca: String?
        /// The client's certificate, followed by the intermediate certificates up to an authority that the members
        /// trust. Default: none.
        public var certificate: String?
        /// The key of the client's certificate. Default: none.
        public var key: String?
        /// The name that the members' certificates must have. Default: the endpoint's host.
        public var serverName: String?
        /// The section of configuration that has these options, for errors. Default: none.
        package var section: String?

        private enum CodingKeys: CodingKey { case ca, certificate, key, serverName }

        /// The defaults.
        public init() {}
    }

    /// A user name and a password. Descriptions and reflections show the name only.
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

extension EtcdConfig.TLS {
    var transportSecurity: ClientTransportSecurity {
        let names = section.map { TLSOptionNames(section: $0) } ?? .transport
        return .files(ca: ca, certificate: certificate, key: key, serverName: serverName, names: names)
    }
}

extension EtcdConfig {
    /// The transport's configuration for one member.
    func transportConfig() -> ClientTransportConfig {
        .defaults {
            $0.connectTimeout = dialTimeout
            $0.backoff.max = maxBackoff
            $0.keepalive.time = keepaliveTime
            $0.keepalive.timeout = keepaliveTimeout
            $0.maxMessageBytes = maxMessageBytes
            $0.maxSendMessageBytes = maxMessageBytes
        }
    }

    func transport(to endpoint: EtcdEndpoint, logger: Logger) -> Nghttp2ClientTransport {
        Nghttp2ClientTransport(
            target: endpoint.address,
            transportSecurity: endpoint.isSecure ? tls.transportSecurity : .plaintext,
            config: transportConfig(),
            logger: logger
        )
    }

    /// - Throws: ``EtcdError`` that names the wrong setting.
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
        guard (tls.certificate == nil) == (tls.key == nil) else {
            throw refuse("tls has a \(tls.key == nil ? "certificate" : "key") only; certificate and key go together")
        }
        guard maxBufferedEvents > 0 else {
            throw refuse("maxBufferedEvents is \(maxBufferedEvents); at least 1 is needed")
        }
        guard maxMessageBytes > 0 else { throw refuse("maxMessageBytes is \(maxMessageBytes); at least 1 is needed") }
    }
}
