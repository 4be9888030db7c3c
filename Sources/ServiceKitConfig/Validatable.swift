/// A value whose parts must fit together in a way that the ranges of single options cannot say.
///
/// ```swift
/// struct RetrySettings: ConfigurationSection, Validatable {
///     var first = Duration.milliseconds(100)
///     var longest = Duration.seconds(10)
///
///     func validate() throws(ConfigurationError) {
///         if first > longest { throw ConfigurationError(message: "longer than longest", keyPath: "first") }
///     }
/// }
/// ```
public protocol Validatable {
    /// Checks the value. It is called each time a configuration is read: it must not wait, and needs no file or network.
    ///
    /// - Throws: ``ConfigurationError`` with the message, and the key at fault: its path from here, such as `tls.key`, or
    ///   none for the value as a whole. The place is added.
    func validate() throws(ConfigurationError)
}

extension NodeDecoder {
    /// Throws the error of a value's own check, with its place.
    func validate(_ value: any Validatable) throws(ConfigurationError) {
        if known.isIncomplete(trail.text) { return }
        do {
            try value.validate()
        } catch {
            var place: ConfigurationNode? = node
            var location = node.location
            var keyPath = trail.text
            for key in ConfigurationPath(error.keyPath ?? "").keys {
                place = place?.mapping?[key]?.value
                location = place?.location ?? location
                keyPath = KeyTrail.join(keyPath, key)
            }
            throw ConfigurationError(
                message: node.shown(error.message, about: place, at: trail.text), location: location, keyPath: keyPath)
        }
    }
}
