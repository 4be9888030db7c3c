import Foundation
import ServiceKit

/// The age of an instance, in its one or two significant digits.
struct Age: CustomStringConvertible {
    /// The time since the instance's start, if it is known.
    let known: TimeInterval?
    /// The time since the instance was first seen.
    let seen: TimeInterval?

    /// Computes the age of an instance from its label `started`. The time since it was first seen is the least possible
    /// age.
    init(of instance: ServiceInstance, firstSeen: Date? = nil, now: Date = .now) {
        known = instance.started.flatMap(Self.date).map { max(0, now.timeIntervalSince($0)) }
        seen = firstSeen.map { max(0, now.timeIntervalSince($0)) }
    }

    /// `45s`, `12m`, `5h`, `3d`. Begins with `>` if only the first sight is known; `-` if nothing is.
    var description: String { known.map(Self.text) ?? seen.map { ">" + Self.text($0) } ?? "-" }

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
