extension Duration {
    /// Reads a duration as configuration writes it, for what stands elsewhere, such as on a command line: `30s`, `250ms`,
    /// `1m30s`. Anything else gives `nil`.
    public init?(configurationText text: String) {
        do {
            try self.init(reading: ConfigurationNode.Scalar(text: text, form: .literal))
        } catch {
            return nil
        }
    }
}
