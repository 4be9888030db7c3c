/// The path from the root of the configuration to a value: for `Codable`, and for people.
struct KeyTrail {
    /// The path from the root of the value that is decoded.
    private(set) var codingPath: [any CodingKey] = []

    /// The path from the root of the configuration as text: `nodes[2].host`.
    private(set) var text: String

    /// The path from the root of the configuration, key by key. An element's key is `[2]`.
    private(set) var path: ConfigurationPath

    init(_ path: ConfigurationPath = ConfigurationPath()) {
        self.path = path
        text = path.description
    }

    func appending(_ name: String) -> KeyTrail {
        appending(PlainKey(stringValue: name), named: name)
    }

    func appending(_ key: any CodingKey, named name: String) -> KeyTrail {
        var trail = self
        trail.codingPath.append(key)
        trail.path.keys.append(name)
        trail.text = Self.join(text, name)
        return trail
    }

    func appending(index: Int) -> KeyTrail {
        let key = PlainKey(intValue: index)
        var trail = self
        trail.codingPath.append(key)
        trail.path.keys.append(key.stringValue)
        trail.text += key.stringValue
        return trail
    }

    static func join(_ path: String, _ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }
}

/// A coding key for an element of a sequence, or for a superclass.
struct PlainKey: CodingKey {
    var stringValue: String
    var intValue: Int?

    static let superclass = PlainKey(stringValue: "super")

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init(intValue: Int) {
        stringValue = "[\(intValue)]"
        self.intValue = intValue
    }
}
