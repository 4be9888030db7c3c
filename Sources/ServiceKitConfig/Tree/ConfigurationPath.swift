/// The keys from the root to a node: `server.grpc.listen`.
struct ConfigurationPath: Hashable, Sendable, CustomStringConvertible {
    var keys: [String]

    init(keys: [String] = []) {
        self.keys = keys
    }

    /// Reads `server.grpc.listen`; the empty text is the root.
    init(_ text: String) {
        keys = text.split(separator: ".").map(String.init)
    }

    var description: String { keys.joined(separator: ".") }

    func appending(_ key: String) -> ConfigurationPath {
        ConfigurationPath(keys: keys + [key])
    }
}
