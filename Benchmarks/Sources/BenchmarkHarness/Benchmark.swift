/// One figure, measured of the kit and, where there is something, of what it is compared with.
package struct Benchmark: Sendable {
    /// What a script knows it by.
    package var name: String

    /// What is measured, and how the ratio is formed.
    package var figure: String

    /// What the ratio has to reach.
    package var bar: Bar

    /// Ours first, then what it is compared with, then what is shown for information.
    package var subjects: [Subject]

    /// Forms the value that is held to the bar, of the medians of the first two subjects.
    package var ratio: @Sendable (_ ours: Double, _ theirs: Double) -> Double

    /// Why it cannot be measured on this machine.
    package var skipped: String?

    /// Creates a benchmark; by default the ratio is ours, compared with nothing.
    package init(
        name: String,
        figure: String,
        bar: Bar,
        subjects: [Subject],
        ratio: @escaping @Sendable (_ ours: Double, _ theirs: Double) -> Double = { ours, _ in ours },
        skipped: String? = nil
    ) {
        self.name = name
        self.figure = figure
        self.bar = bar
        self.subjects = subjects
        self.ratio = ratio
        self.skipped = skipped
    }
}

/// What a benchmark measures.
package struct Subject: Sendable {
    package var name: String

    /// Measures once.
    package var measure: @Sendable () async throws -> Sample

    /// Creates a subject.
    package init(name: String, measure: @escaping @Sendable () async throws -> Sample) {
        self.name = name
        self.measure = measure
    }
}

/// What one measurement found.
package struct Sample: Sendable {
    /// A number with its unit.
    package struct Figure: Sendable {
        package var value: Double
        package var unit: String

        /// Creates a figure.
        package init(value: Double, unit: String) {
            self.value = value
            self.unit = unit
        }
    }

    /// The figure that the ratio is formed of.
    package var main: Figure

    /// Shown beside it.
    package var others: [Figure]

    /// Creates a sample.
    package init(main: Figure, others: [Figure] = []) {
        self.main = main
        self.others = others
    }
}

/// What a value has to reach.
package enum Bar: Sendable, CustomStringConvertible {
    case atLeast(Double)
    case atMost(Double)
    case exactly(Double)

    func isMet(by value: Double) -> Bool {
        switch self {
        case .atLeast(let bar): value >= bar
        case .atMost(let bar): value <= bar
        case .exactly(let bar): value == bar
        }
    }

    package var description: String {
        switch self {
        case .atLeast(let bar): "≥ \(bar.formatted())"
        case .atMost(let bar): "≤ \(bar.formatted())"
        case .exactly(let bar): "= \(bar.formatted())"
        }
    }
}
