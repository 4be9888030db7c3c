/// What is to be called: `user-service/GetUser`, or `user-service/user.v1.UserService/GetUser`.
struct CallTarget: Hashable {
    /// The name in the registry; `nil` where an address is given in place of it.
    var registryName: String?
    /// The gRPC service: its full name, or what stands behind a point of it.
    var service: String?
    var method: String?

    /// Reads the form of the command line.
    ///
    /// - Parameters:
    ///   - text: What was written.
    ///   - hasAddress: Whether the server is known already, so that nothing of this is a name in the registry.
    /// - Throws: ``CommandFailure`` that shows the form.
    init(_ text: String, hasAddress: Bool) throws(CommandFailure) {
        var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let form = hasAddress ? "SERVICE/METHOD" : "NAME/METHOD or NAME/SERVICE/METHOD"
        guard !parts.contains(""), parts.count <= (hasAddress ? 2 : 3) else {
            throw CommandFailure("\"\(text)\" is nothing to call; write \(form)")
        }
        if !hasAddress { registryName = parts.removeFirst() }
        switch parts.count {
        case 0: break
        // A method has no point in its name; a service without one is found by a method beside it.
        case 1 where hasAddress: service = parts[0]
        case 1: if parts[0].contains(".") { service = parts[0] } else { method = parts[0] }
        default: (service, method) = (parts[0], parts[1])
        }
    }

    /// Whether a service of a full name may be meant.
    func admits(service name: String) -> Bool {
        guard let service else { return true }
        return name == service || name.hasSuffix(".\(service)")
    }

    /// Who is asked, in errors.
    var peer: String { registryName ?? "the server" }
}
