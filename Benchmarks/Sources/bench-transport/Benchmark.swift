/// One figure, measured of this transport and of what it is compared with.
struct Benchmark: Sendable {
    /// What a script knows it by.
    var name: String

    /// What is measured, and how the ratio is formed.
    var figure: String

    /// What the ratio has to reach.
    var bar: Bar

    /// This transport first, then what it is compared with, then what is shown for information.
    var subjects: [Subject]

    /// Forms the value that is held to the bar, of the medians of the first two subjects.
    var ratio: @Sendable (_ ours: Double, _ theirs: Double) -> Double

    /// Why it cannot be measured on this machine.
    var skipped: String?
}

/// What a benchmark measures.
struct Subject: Sendable {
    var name: String

    /// Measures once.
    var measure: @Sendable () async throws -> Sample
}

/// What one measurement found.
struct Sample: Sendable {
    /// A number with its unit.
    struct Figure: Sendable {
        var value: Double
        var unit: String
    }

    /// The figure that the ratio is formed of.
    var main: Figure

    /// Shown beside it.
    var others: [Figure] = []
}

/// What a value has to reach.
enum Bar: Sendable, CustomStringConvertible {
    case atLeast(Double)
    case atMost(Double)

    func isMet(by value: Double) -> Bool {
        switch self {
        case .atLeast(let bar): value >= bar
        case .atMost(let bar): value <= bar
        }
    }

    var description: String {
        switch self {
        case .atLeast(let bar): "≥ \(bar.formatted())"
        case .atMost(let bar): "≤ \(bar.formatted())"
        }
    }
}
