internal import Logging

/// The text of log lines, in the format of swift-log's own `StreamLogHandler`.
enum LogLine {
    /// `2026-01-31T12:00:00+0000 info user-service: code=200 path=/user.v1.UserService/GetUser [ServiceKit] call`
    static func text(_ event: LogEvent, label: String, metadata: Logger.Metadata) -> String {
        var line = LogTimestamp.now()
        line.reserveCapacity(256)
        line += " "
        line += event.level.rawValue
        if !label.isEmpty {
            line += " "
            line += label
        }
        line += ":"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " "
            line += key
            line += "="
            if case .string(let text) = value { line += text } else { line += value.description }
        }
        line += " ["
        line += event.source
        line += "] "
        line += event.message.description
        line += "\n"
        return line
    }

    /// The line in the place of dropped lines.
    @Sendable static func dropped(_ count: Int) -> String {
        "\(LogTimestamp.now()) warning servicekit.log: dropped=\(count) [ServiceKit] "
            + "lines were dropped here: they came faster than they could be written\n"
    }
}
