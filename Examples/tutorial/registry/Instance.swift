/// A running server of a service, as its key in etcd names it.
public struct Instance: Hashable, Sendable {
    /// The service's name.
    public var service: String
    /// The instance's id; no other instance of the service has it.
    public var id: String
    /// The address to call.
    public var address: Address

    /// Creates the description of an instance.
    public init(service: String, id: String, address: Address) {
        self.service = service
        self.id = id
        self.address = address
    }
}

/// An address, in the form of the keys' values: `{"host":"10.0.0.1","port":8080}`.
public struct Address: Codable, Hashable, Sendable {
    /// The host's name or IP address.
    public var host: String
    /// The port.
    public var port: Int

    /// Creates an address.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}
