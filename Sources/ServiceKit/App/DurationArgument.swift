package import ArgumentParser
internal import ServiceKitConfig

/// A duration on the command line, in the configuration's notation: `500ms`. It is more than zero.
package struct DurationArgument: ExpressibleByArgument, Sendable {
    /// The duration.
    package let value: Duration
    /// The duration's text in help texts.
    package let defaultValueDescription: String

    /// A default of whole seconds.
    package init(seconds: Int) {
        value = .seconds(seconds)
        defaultValueDescription = "\(seconds)s"
    }

    /// Reads a duration; `nil` when the text is none, or not more than zero.
    package init?(argument: String) {
        guard let value = Duration(configurationText: argument), value > .zero else { return nil }
        self.value = value
        defaultValueDescription = argument
    }
}
