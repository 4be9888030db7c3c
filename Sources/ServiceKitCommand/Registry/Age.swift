import Foundation
import ServiceKit

/// How old an instance is, in the one or two digits that matter.
struct Age: CustomStringConvertible {
    /// The time since its start, if that is known.
    let known: TimeInterval?
    /// The time since it was seen first.
    let seen: TimeInterval?

    /// The age of an instance, by its label `started`.
    ///
    /// - Parameters:
    ///   - firstSeen: When it was seen first, which is the least that is known.
    ///   - now: The time now.
    init(of instance: ServiceInstance, firstSeen: Date? = nil, now: Date = .now) {
        known = instance.started.flatMap(Self.date).map { max(0, now.timeIntervalSince($0)) }
        seen = firstSeen.map { max(0, now.timeIntervalSince($0)) }
    }

    /// `45s`, `12m`, `5h`, `3d`; with `>` in front when it is only known how long it has been seen; else `-`.
    var description: String {
        known.map(Self.text) ?? seen.map { ">" + Self.text($0) } ?? "-"
    }

    private static func text(_ interval: TimeInterval) -> String {
        let seconds = Int(min(interval, 1e12))
        return switch seconds {
        case ..<120: "\(seconds)s"
        case ..<7200: "\(seconds / 60)m"
        case ..<172_800: "\(seconds / 3600)h"
        default: "\(seconds / 86_400)d"
        }
    }

    /// Reads RFC 3339, with or without fractions of a second.
    static func date(_ text: String) -> Date? {
        (try? Date(text, strategy: .iso8601))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}
