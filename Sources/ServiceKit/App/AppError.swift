private import ServiceKitConfig

/// Why an App did not start, or did not stop as it should; one line, with the remedy.
public struct AppError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The step that failed, the cause, and the remedy.
    public var message: String

    /// Creates an error; passwords of URLs in the message are masked.
    public init(_ message: String) {
        self.message = URLSecrets.masked(message)
    }

    /// The message.
    public var description: String { message }
}
