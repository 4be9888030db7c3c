/// The way from the root of the configuration to a value: for `Codable`, and for people.
struct KeyTrail {
    /// The way from the root of what is being decoded.
    private(set) var codingPath: [any CodingKey] = []

    /// The way from the root of the configuration: `nodes[2].host`.
    private(set) var text: String

    init(_ text: String) {
        self.text = text
    }

    func appending(_ key: any CodingKey, named name: String) -> KeyTrail {
        var trail = self
        trail.codingPath.append(key)
        trail.text = Self.join(text, name)
        return trail
    }

    func appending(index: Int) -> KeyTrail {
        var trail = self
        trail.codingPath.append(PlainKey(intValue: index))
        trail.text += "[\(index)]"
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
