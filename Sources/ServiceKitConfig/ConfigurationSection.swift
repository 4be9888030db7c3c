/// A part of the configuration whose property defaults are the lowest layer.
///
/// ```swift
/// struct ListenerSettings: ConfigurationSection {
///     var listen = "127.0.0.1:9000"
///     var maxMessage: ByteCount = .mebibytes(4)
///     var idleTimeout: Duration? = nil
/// }
/// ```
///
/// Nothing else is to be written: wherever such a type is decoded (as a whole, as a property, as an element of an
/// array) the keys that the configuration leaves out have the values that `init()` gives them. Keys are kebab-case:
/// `maxMessage` is `max-message`.
public protocol ConfigurationSection: Codable, Sendable {
    /// Creates the section with its defaults.
    init()
}
