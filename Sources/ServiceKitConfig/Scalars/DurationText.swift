extension Duration {
    /// Reads a duration in the configuration's notation from another place, such as the command line: `30s`, `250ms`,
    /// `1m30s`. Any other text gives `nil`.
    public init?(configurationText text: String) {
        do {
            try self.init(reading: ConfigurationNode.Scalar(text: text, form: .literal))
        } catch {
            return nil
        }
    }
}
