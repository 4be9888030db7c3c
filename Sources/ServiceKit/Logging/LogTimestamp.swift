private import Glibc
private import Synchronization

/// The time of log lines: `2026-01-31T12:00:00+0000`, in the local time zone.
enum LogTimestamp {
    private struct Latest {
        var second: time_t
        var text: String
    }

    // Made once a second: the rules of the time zone cost more than the rest of a line.
    private static let latest = Mutex<Latest?>(nil)

    static func now() -> String {
        let second = time(nil)
        return latest.withLock { latest in
            if let latest, latest.second == second { return latest.text }
            let text = text(second)
            latest = Latest(second: second, text: text)
            return text
        }
    }

    private static func text(_ second: time_t) -> String {
        var second = second
        var parts = tm()
        // `localtime_r` alone does not have to read the time zone.
        tzset()
        guard localtime_r(&second, &parts) != nil else { return "<unknown>" }
        return String(unsafeUninitializedCapacity: 64) { buffer in
            buffer.withMemoryRebound(to: CChar.self) {
                strftime($0.baseAddress, $0.count, "%Y-%m-%dT%H:%M:%S%z", &parts)
            }
        }
    }
}
