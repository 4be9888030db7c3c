extension ConfigurationNode {
    /// The form of a section in whose place there is a scalar: `delay: {duration: …}`. `nil` unless exactly one option of the
    /// section can have the scalar as its value; options that are texts could have any. The value itself is not shown, as it may
    /// be secret.
    func nestedForm(
        in section: any ConfigurationSection.Type, defaults: ConfigurationNode, at path: ConfigurationPath
    ) -> String? {
        guard case .scalar(let scalar) = content, !scalar.isNull, brackets == nil, let name = path.keys.last else {
            return nil
        }
        let decoder = NodeDecoder(defaults, trail: KeyTrail(), known: KnownKeys(), notesTypes: true)
        _ = try? section.init(from: decoder)
        let fitting = decoder.askedKeys.filter { key in
            var type = decoder.propertyTypes?[key]
            if let optional = type as? any OptionalType.Type { type = optional.wrapped }
            return (type as? any ScalarConvertible.Type).map { $0.kind != .text && scalar.fits($0) } ?? false
        }
        return fitting.count == 1 ? "\(name): {\(fitting[0]): …}" : nil
    }
}

extension ConfigurationNode.Scalar {
    fileprivate func fits<T: ScalarConvertible>(_ type: T.Type) -> Bool {
        (try? T(reading: self)) != nil
    }
}
