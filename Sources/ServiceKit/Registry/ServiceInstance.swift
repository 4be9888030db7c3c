/// One running copy of a service, as registries hold it and clients find it.
///
/// Its JSON is `{"id","name","version","metadata":{},"endpoints":["grpc://ip:port"]}`. Entries of others need only `id`
/// and `name`: an endpoint that cannot be read is kept apart (``unreadableEndpoints``), numbers and truth values count
/// as text, and all else that is not of this form is left out.
public struct ServiceInstance: Hashable, Sendable, Identifiable {
    /// Unique among the instances of the service; by default new with every start.
    public var id: String
    /// The service's name, as clients ask for it.
    public var name: String
    /// The version of the service's software; empty when unknown.
    public var version: String
    /// Labels such as `zone` and `weight`, seen by clients.
    public var metadata: [String: String]
    /// The addresses of the servers, one for each.
    public var endpoints: [Endpoint]
    /// The texts that a registry holds as endpoints and that cannot be read as such.
    var unreadable: [UnreadableEndpoint] = []

    /// Creates an instance; registries validate it when it is registered.
    public init(
        id: String,
        name: String,
        version: String = "",
        metadata: [String: String] = [:],
        endpoints: [Endpoint] = []
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.metadata = metadata
        self.endpoints = endpoints
    }

    /// Endpoints that another framework has registered and that are not of the form `scheme://host:port`, with passwords
    /// masked. They are for display only: nobody calls them. The instance's JSON has them as they were read.
    public var unreadableEndpoints: [String] { unreadable.map(\.description) }

    /// The share of traffic relative to other instances: metadata `weight`, by default 100. A text that is no weight counts as 100,
    /// since another program may have written it.
    public var weight: Int { metadata["weight"].flatMap(Self.weight) ?? 100 }

    /// The weight that a text names: a whole number from 0. `nil` for another text.
    static func weight(_ text: String) -> Int? { Int(text).flatMap { $0 < 0 ? nil : $0 } }

    /// The zone it runs in: metadata `zone`.
    public var zone: String? { metadata["zone"] }

    /// Whether an operator has taken it out of traffic: metadata `offline` is `true`.
    ///
    /// It stays registered and serves the calls it gets; clients do not choose it.
    public var isOffline: Bool { metadata["offline"] == "true" }

    /// When its process started, as RFC 3339 writes it, if that is known: metadata `started`.
    public var started: String? { metadata["started"] }

    /// The first endpoint whose scheme is one of `schemes`, in their order of preference.
    public func endpoint(schemes: [String]) -> Endpoint? {
        for scheme in schemes {
            if let endpoint = endpoints.first(where: { $0.scheme == scheme }) { return endpoint }
        }
        return nil
    }
}

extension ServiceInstance {
    /// The most characters a service's name or an instance's id may have, so that `<id>.json` still is a file's name.
    package static let maximumNameLength = 250

    /// Checks that name and id can be written into every registry.
    ///
    /// Both are 1 to 250 of the characters `a-z A-Z 0-9 . _ -` (ids also `:`), and do not begin with a dot.
    /// - Throws: ``RegistryError`` with code ``RegistryError/Code/invalidInstance``.
    public func validate() throws(RegistryError) {
        try validateNames()
        guard endpoints.count == Set(endpoints).count else {
            throw RegistryError(
                code: .invalidInstance,
                message: "instance \"\(id)\" of service \"\(name)\" lists an endpoint twice"
            )
        }
    }

    /// Checks name and id alone.
    func validateNames() throws(RegistryError) {
        try Self.validate(serviceName: name)
        guard Self.isValid(id, alsoAllowed: ":") else {
            throw RegistryError(
                code: .invalidInstance,
                message: "instance id \"\(id.prefix(64))\" of service \"\(name)\" is not valid; "
                    + "use 1 to \(Self.maximumNameLength) of a-z A-Z 0-9 . _ : - and no dot at the start"
            )
        }
    }

    /// Checks a service's name alone, as ``validate()`` does.
    ///
    /// - Throws: ``RegistryError`` with code `invalidInstance`.
    public static func validate(serviceName: String) throws(RegistryError) {
        guard isValid(serviceName, alsoAllowed: nil) else {
            throw RegistryError(
                code: .invalidInstance,
                message: "service name \"\(serviceName.prefix(64))\" is not valid; "
                    + "use 1 to \(maximumNameLength) of a-z A-Z 0-9 . _ - and no dot at the start"
            )
        }
    }

    /// Checks that a registration of this instance can be updated to another version. Throws ``RegistryError``:
    /// `invalidInstance`, or `unsupported` after the registration was given up.
    func validateUpdate(to next: ServiceInstance, isDeregistered: Bool) throws(RegistryError) {
        try next.validate()
        guard next.id == id, next.name == name else {
            throw RegistryError(
                code: .invalidInstance,
                message: "an update cannot make instance \"\(id)\" of service \"\(name)\" into \"\(next.id)\" of "
                    + "\"\(next.name)\"; register that one"
            )
        }
        guard !isDeregistered else {
            throw RegistryError(
                code: .unsupported,
                message: "instance \"\(id)\" of service \"\(name)\" was deregistered; register it anew"
            )
        }
    }

    private static func isValid(_ text: String, alsoAllowed: Character?) -> Bool {
        !text.isEmpty && text.utf8.count <= maximumNameLength && !text.hasPrefix(".")
            && text.allSatisfy { character in
                (character.isASCII && (character.isLetter || character.isNumber)) || "._-".contains(character)
                    || character == alsoAllowed
            }
    }
}
