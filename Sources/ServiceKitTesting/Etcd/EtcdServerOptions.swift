extension EtcdServer {
    /// What an ``EtcdServer`` runs: by default one member of the etcd on the `PATH`, without TLS.
    public struct Options: Sendable {
        /// How many members the cluster has, by default one; three are the fewest of which one may fail.
        public var members = 1
        /// TLS between clients and members, by default none. Members talk to each other in plain text always.
        public var tls: TLS?
        /// The etcd program: a path, or a name that is looked up on the `PATH`, by default `etcd`.
        ///
        /// `etcdctl` is taken from the same directory, or else from the `PATH`.
        public var binary = "etcd"
        /// The kind of tokens and its settings, as in `jwt,pub-key=…,priv-key=…,sign-method=RS256,ttl=5m`; by default
        /// etcd's own choice, `simple`.
        public var authToken: String?
        /// More of etcd's arguments. They come last, so that they override those that are always given.
        public var extraArguments: [String] = []

        /// Starts with the defaults.
        public init() {}
    }

    /// The files that members serve TLS with, all in PEM.
    public struct TLS: Sendable {
        /// The path of the members' certificate; it has to name the IP address 127.0.0.1.
        ///
        /// With ``requiresClientCertificate`` it is etcdctl's certificate as well, and has to be good for both uses.
        public var certificate: String
        /// The path of the certificate's private key.
        public var key: String
        /// The path of the authorities' certificates: those that etcdctl trusts, and etcd for client certificates.
        public var trustedCA: String
        /// Whether clients have to show a certificate, by default not.
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
