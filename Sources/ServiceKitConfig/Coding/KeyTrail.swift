/// The path from the root of the configuration to a value: for `Codable`, and for people.
///
/// Trails share the way that they have in common. So the next step costs one small object, and its texts are made only
/// where they are needed.
struct KeyTrail {
    /// A key of a mapping, or the place of an element.
    enum Key {
        case name(String)
        case index(Int)

        /// The path as people read it: `nodes[2].host`.
        func joined(to path: String) -> String {
            switch self {
            case .name(let name): path.isEmpty ? name : "\(path).\(name)"
            case .index(let index): "\(path)[\(index)]"
            }
        }

        fileprivate var text: String {
            switch self {
            case .name(let name): name
            case .index(let index): "[\(index)]"
            }
        }
    }

    private final class Step {
        let codingKey: any CodingKey
        let key: Key
        let previous: Step?

        init(_ codingKey: any CodingKey, _ key: Key, after previous: Step?) {
            self.codingKey = codingKey
            self.key = key
            self.previous = previous
        }
    }

    private let start: ConfigurationPath
    private var last: Step?

    init(_ path: ConfigurationPath = ConfigurationPath()) {
        start = path
    }

    /// The path from the root of the value that is decoded.
    var codingPath: [any CodingKey] { steps.map(\.codingKey) }

    /// The path from the root of the configuration as text: `nodes[2].host`.
    var text: String { steps.reduce(start.description) { $1.key.joined(to: $0) } }

    /// The path from the root of the configuration, key by key. An element's key is `[2]`.
    var path: ConfigurationPath { ConfigurationPath(keys: start.keys + steps.map(\.key.text)) }

    func appending(_ name: String) -> KeyTrail {
        appending(PlainKey(stringValue: name), named: name)
    }

    func appending(_ key: any CodingKey, named name: String) -> KeyTrail {
        appending(key, .name(name))
    }

    func appending(index: Int) -> KeyTrail {
        appending(PlainKey(intValue: index), .index(index))
    }

    static func join(_ path: String, _ key: String) -> String {
        Key.name(key).joined(to: path)
    }

    private func appending(_ codingKey: any CodingKey, _ key: Key) -> KeyTrail {
        var trail = self
        trail.last = Step(codingKey, key, after: last)
        return trail
    }

    private var steps: [Step] {
        var steps: [Step] = []
        var step = last
        while let current = step {
            steps.append(current)
            step = current.previous
        }
        return steps.reversed()
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
