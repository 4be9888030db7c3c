extension EtcdServer {
    /// The options of an ``EtcdServer``. Default: one member of the etcd on the `PATH`, without TLS.
    public struct Options: Sendable {
        /// The number of members. Default: 1. A cluster survives the loss of one member if it has at least three.
        public var members = 1
        /// TLS between clients and members. Default: none. Members always talk to each other in plain text.
        public var tls: TLS?
        /// The etcd program: a path, or a name on the `PATH`. Default: `etcd`.
        ///
        /// `etcdctl` comes from the same directory, or else from the `PATH`.
        public var binary = "etcd"
        /// The kind of tokens with its settings, such as `jwt,pub-key=…,priv-key=…,sign-method=RS256,ttl=5m`. Default:
        /// etcd's own, `simple`.
        public var authToken: String?
        /// More arguments of etcd. They come last, so that they override all others.
        public var extraArguments: [String] = []

        /// Creates the default options.
        public init() {}
    }

    /// The files for TLS, all in PEM.
    public struct TLS: Sendable {
        /// The path of the members' certificate. It has to name the IP address 127.0.0.1.
        ///
        /// With ``requiresClientCertificate`` it is etcdctl's certificate as well, and has to allow both uses.
        public var certificate: String
        /// The path of the certificate's private key.
        public var key: String
        /// The path of the authorities' certificates. etcdctl trusts them, and etcd checks client certificates with
        /// them.
        public var trustedCA: String
        /// Whether clients have to show a certificate. Default: no.
        public var requiresClientCertificate: Bool

        /// Names the files.
        public init(certificate: String, key: String, trustedCA: String, requiresClientCertificate: Bool = false) {
            self.certificate = certificate
            self.key = key
            self.trustedCA = trustedCA
            self.requiresClientCertificate = requiresClientCertificate
        }
    }
}
