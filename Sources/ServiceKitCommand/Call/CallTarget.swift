/// The target of a call: `user-service/GetUser`, or `user-service/user.v1.UserService/GetUser`.
struct CallTarget: Hashable {
    /// The service's name in the registry; `nil` with an address.
    var registryName: String?
    /// The gRPC service: its full name, or the part after a point.
    var service: String?
    var method: String?

    /// Reads the target from the command line. With an address, the text contains no name of the registry.
    init(_ text: String, hasAddress: Bool) throws(CommandFailure) {
        var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let form = hasAddress ? "SERVICE/METHOD" : "NAME/METHOD or NAME/SERVICE/METHOD"
        guard !parts.contains(""), parts.count <= (hasAddress ? 2 : 3) else {
            throw CommandFailure("\"\(text)\" does not name a method; write \(form)")
        }
        if !hasAddress { registryName = parts.removeFirst() }
        switch parts.count {
        case 0: break
        // A method's name has no point. A service alone needs a method beside it.
        case 1 where hasAddress: service = parts[0]
        case 1: if parts[0].contains(".") { service = parts[0] } else { method = parts[0] }
        default: (service, method) = (parts[0], parts[1])
        }
    }

    /// Whether the target may mean the service with a full name.
    func admits(service name: String) -> Bool {
        guard let service else { return true }
        return name == service || name.hasSuffix(".\(service)")
    }

    /// The name of the server in errors.
    var peer: String { registryName ?? "the server" }
}
