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
    /// Creates the section with its defaults. A configuration asks for them once, and has the same at each place.
    init()

    /// The ranges of the section's values; none by default. A configured value out of its range is an error with file,
    /// line, column and the range.
    static var ranges: [OptionRange<Self>] { get }

    /// The meaning of each option, by its key: one line, for tools and documents. Nothing by default.
    static var help: [String: String] { get }
}

extension ConfigurationSection {
    /// No ranges: every value of the properties' types is allowed.
    public static var ranges: [OptionRange<Self>] { [] }

    /// Nothing: the options' names say enough.
    public static var help: [String: String] { [:] }
}
