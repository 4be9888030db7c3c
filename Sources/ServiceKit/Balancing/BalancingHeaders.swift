public import ServiceKitConfig

extension LaneOptions: Validatable {
    /// Checks that the header can be one, and that the label has a name: else no call and no instance had a lane.
    public func validate() throws(ConfigurationError) {
        try header.requireHeaderName(at: "header")
        if label.isEmpty {
            throw ConfigurationError(message: "a label has a name; write one, such as lane", keyPath: "label")
        }
    }
}

extension ConsistentHash.Options: Validatable {
    /// Checks that the header can be one: else no call had a key.
    public func validate() throws(ConfigurationError) {
        try header?.requireHeaderName(at: "header")
    }
}
