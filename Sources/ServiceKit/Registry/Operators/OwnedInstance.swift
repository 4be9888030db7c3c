/// An instance as its owner wants it, with the labels that operators have changed.
///
/// The owner's side of ``RegistryOperator/changeMetadata(ofInstance:of:_:)``: an operator's labels stay over the owner's,
/// whatever else the owner changes.
struct OwnedInstance: Hashable, Sendable {
    var wanted: ServiceInstance {
        didSet { rememberWeight(insteadOf: oldValue) }
    }
    /// The labels that operators have changed; `nil` stands for a removed label.
    private var overrides: [String: String?] = [:]

    /// An instance that no operator has said anything about.
    init(_ wanted: ServiceInstance) {
        self.wanted = wanted
    }

    /// The instance as others are to see it.
    var published: ServiceInstance {
        var instance = wanted
        for (label, value) in overrides { instance.metadata[label] = value }
        return instance
    }

    /// Takes over all labels as an operator wants others to see them. Those that differ from the base, which the
    /// operator saw, stay over the owner's. A label on which owner and operator agree is the owner's again.
    mutating func adopt(metadata: [String: String], insteadOf base: [String: String]? = nil) {
        var result = published.metadata
        for (label, value) in Self.changes(from: base ?? result, to: metadata) { result[label] = value }
        overrides = Self.changes(from: wanted.metadata, to: result)
    }

    /// An operator who takes an instance offline puts its weight away. If that weight was the owner's, the owner's next weight
    /// takes its place, and the instance gets that one back.
    private mutating func rememberWeight(insteadOf old: ServiceInstance) {
        let label = ServiceInstance.weightBeforeOffline
        guard case let remembered?? = overrides[label], remembered == old.metadata["weight"] ?? "" else { return }
        overrides.updateValue(wanted.metadata["weight"] ?? "", forKey: label)
    }

    static func changes(from old: [String: String], to new: [String: String]) -> [String: String?] {
        var changes: [String: String?] = [:]
        for (label, value) in new where old[label] != value { changes.updateValue(value, forKey: label) }
        for label in old.keys where new[label] == nil { changes.updateValue(nil, forKey: label) }
        return changes
    }
}

extension ServiceInstance {
    /// The most labels an instance can be given by an operator.
    package static let maximumLabels = 256
    /// The most bytes of a label's name, and of its value.
    package static let maximumLabelSize = 4096

    /// The instance with other labels; `nil` removes a label. Every ``RegistryOperator`` checks changes by this.
    ///
    /// - Throws: ``RegistryError`` with code `invalidInstance` when a label has no name, or labels are too many or too
    ///   long.
    public func settingMetadata(_ changes: [String: String?]) throws(RegistryError) -> ServiceInstance {
        var result = self
        for (label, value) in changes {
            guard !label.isEmpty, max(label.utf8.count, value?.utf8.count ?? 0) <= Self.maximumLabelSize else {
                throw RegistryError(
                    code: .invalidInstance,
                    message:
                        "label \"\(label.prefix(64))\" cannot be set on instance \"\(id)\" of service \"\(name)\"; "
                        + "a name is 1 to \(Self.maximumLabelSize) bytes, a value at most as many"
                )
            }
            result.metadata[label] = value
        }
        guard result.metadata.count <= max(Self.maximumLabels, metadata.count) else {
            throw RegistryError(
                code: .invalidInstance,
                message: "instance \"\(id)\" of service \"\(name)\" cannot have more than \(Self.maximumLabels) labels"
            )
        }
        return result
    }
}

extension RegistryError {
    /// There is no such instance in a registry, which is named as in `etcd`.
    public static func notFound(_ id: String, of service: String, in registry: String) -> RegistryError {
        RegistryError(
            code: .notFound,
            message: "\(registry) registry: service \"\(service.prefix(64))\" has no instance \"\(id.prefix(64))\""
        )
    }
}
