import Logging
import ServiceKitConfig

/// Prints each log message as one line on standard error.
struct TerminalLog: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        Terminal.error.print(Self.line("\(event.message)", metadata.merging(event.metadata ?? [:]) { $1 }))
    }

    /// `kit: entry in etcd is skipped; it is no instance (key: /microservices/user/a, cause: …)`.
    static func line(_ message: String, _ metadata: Logger.Metadata) -> String {
        let details = metadata.sorted { $0.key < $1.key }.reversed().map { "\($0.key): \($0.value)" }
        let line = "kit: \(message)" + (details.isEmpty ? "" : " (\(details.joined(separator: ", ")))")
        // The message may quote text of others.
        return TextTable.printable(URLSecrets.masked(line))
    }
}
