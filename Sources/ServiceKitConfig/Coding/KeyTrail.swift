/// The way from the root of the configuration to a value: for `Codable`, and for people.
struct KeyTrail {
    /// The way from the root of what is being decoded.
    private(set) var codingPath: [any CodingKey] = []

    /// The way from the root of the configuration: `nodes[2].host`.
    private(set) var text: String

    /// The same, key by key; an element's is `[2]`.
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
