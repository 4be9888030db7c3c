/// Taking an instance out of traffic and back, so that clients of other frameworks keep away from it, too.
///
/// Clients of the kit do not choose an instance whose label `offline` is `true`. Others do not know that label, but many
/// know `weight`; so the weight becomes 0, and a label of its own remembers the weight of before.
extension RegistryOperator {
    /// Takes an instance out of traffic, unless it is offline already, and returns it as all see it now. It stays
    /// registered, and serves the calls that it gets. Clients of the kit no longer choose it. Clients of other
    /// frameworks do so as far as they go by the label `weight`, as go-kratos's balancer `wrr` does, and as long as
    /// others have more than 0.
    ///
    /// - Throws: As ``changeMetadata(ofInstance:of:_:)``.
    public func takeOffline(_ id: String, of service: String) async throws -> ServiceInstance {
        try await changeMetadata(ofInstance: id, of: service) { $0.changesToGoOffline }
    }

    /// Puts an instance back into traffic, with the weight that it had before, unless it is online. Returns it as all
    /// see it now.
    ///
    /// - Throws: As ``changeMetadata(ofInstance:of:_:)``.
    public func putOnline(_ id: String, of service: String) async throws -> ServiceInstance {
        try await changeMetadata(ofInstance: id, of: service) { $0.changesToGoOnline }
    }

    /// Gives an instance another weight, at least 0, and returns it as all see it now. An offline instance gets the
    /// weight when it is online again.
    ///
    /// - Throws: As ``changeMetadata(ofInstance:of:_:)``.
    public func setWeight(_ weight: Int, ofInstance id: String, of service: String) async throws -> ServiceInstance {
        try await changeMetadata(ofInstance: id, of: service) { $0.changes(toWeigh: weight) }
    }
}

extension ServiceInstance {
    /// The label that remembers the weight of an instance that is offline; empty when it had none.
    static let weightBeforeOffline = "offline-weight"

    package var whenOnline: ServiceInstance {
        var result = self
        for (label, value) in changesToGoOnline { result.metadata[label] = value }
        return result
    }

    /// The remembered weight, unless an operator has set another one since.
    private var rememberedWeight: String? { metadata["weight"] == "0" ? metadata[Self.weightBeforeOffline] : nil }

    fileprivate var changesToGoOffline: [String: String?] {
        [
            "offline": "true", "weight": "0",
            Self.weightBeforeOffline: rememberedWeight ?? metadata["weight"] ?? "",
        ]
    }

    fileprivate var changesToGoOnline: [String: String?] {
        var changes: [String: String?] = ["offline": nil, Self.weightBeforeOffline: nil]
        if let rememberedWeight { changes["weight"] = .some(rememberedWeight.isEmpty ? nil : rememberedWeight) }
        return changes
    }

    fileprivate func changes(toWeigh weight: Int) -> [String: String?] {
        isOffline
            ? ["weight": "0", Self.weightBeforeOffline: "\(weight)"]
            : ["weight": "\(weight)", Self.weightBeforeOffline: nil]
    }
}
