/// A part of the configuration. Its property defaults are the lowest layer.
///
/// ```swift
/// struct ListenerSettings: ConfigurationSection {
///     var listen = "127.0.0.1:9000"
///     var maxMessage: ByteCount = .mebibytes(4)
///     var idleTimeout: Duration? = nil
/// }
/// ```
///
/// A section needs no other code. It can be decoded as a whole, as a property, or as an element of an array: keys that
/// the configuration leaves out always have their values from `init()`. Keys are kebab-case: `maxMessage` is
/// `max-message`.
public protocol ConfigurationSection: Codable, Sendable {
    /// Creates the section with its defaults.
    init()
}
