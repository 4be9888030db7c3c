/// The meaning of a place in a configuration, as the described options have it.
enum OptionStanding {
    /// An option, or a section, that a type reads.
    case option(OptionDescription)
    /// A key in a section that is read, which no type asks for.
    case unknown
    /// A part of a section that nobody has described, such as a service's own: only its reader knows the keys.
    case foreign

    func appending(_ key: String) -> OptionStanding {
        guard case .option(let option) = self else { return self }
        if option.isSecret { return .unknown }
        switch option.shape {
        case .section(let options, _):
            if let child = options.first(where: { $0.key == key }) { return .option(child) }
            return option.path.isEmpty ? .foreign : .unknown
        case .dictionary(let value):
            return .option(option.part(value, key))
        case .any:
            return .foreign
        case .scalar, .choice, .list:
            return .unknown
        }
    }

    /// The standing of the elements of a list.
    var element: OptionStanding {
        guard case .option(let option) = self else { return self }
        switch option.shape {
        case .list(let element): return .option(option.part(element))
        case .any: return .foreign
        default: return .unknown
        }
    }

    /// Whether this is a section that has its defaults when its value is null.
    var isSectionWithDefaults: Bool {
        if case .option(let option) = self, case .section = option.shape { !option.isOptional } else { false }
    }
}

extension ConfigurationNode {
    /// Whether tools must not show the value, or one below it. They show no scalar that has the name or the form of a secret,
    /// none of a key that no type asks for, which may be the misspelt key of a secret, and none in the place of a section or
    /// a list.
    func mustHide(at keyPath: String, _ standing: OptionStanding) -> Bool {
        switch content {
        case .scalar(let scalar):
            if scalar.isNull { return false }
            switch standing {
            case .foreign:
                return mustHide(scalar.text, at: keyPath)
            case .unknown:
                return true
            case .option(let option):
                return option.isSecret || !option.shape.allows(scalar) || mustHide(scalar.text, at: option.path)
            }
        case .sequence(let elements):
            return isSecret || elements.contains { $0.mustHide(at: keyPath, standing.element) }
        case .mapping(let mapping):
            return isSecret
                || mapping.entries.contains {
                    $0.value.mustHide(at: KeyTrail.join(keyPath, $0.key), standing.appending($0.key))
                }
        }
    }
}

extension OptionShape {
    fileprivate func allows(_ scalar: ConfigurationNode.Scalar) -> Bool {
        switch self {
        case .scalar, .choice, .any: true
        // A variable or an option may hold `a,b`.
        case .list: scalar.form == .literal
        case .dictionary, .section: false
        }
    }
}

extension OptionDescription {
    fileprivate func part(_ shape: OptionShape, _ key: String = "") -> OptionDescription {
        var part = self
        if !key.isEmpty { part.path += ".\(key)" }
        part.shape = shape
        part.isOptional = false
        return part
    }
}
