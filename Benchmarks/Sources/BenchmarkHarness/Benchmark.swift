/// One figure: a measurement of the kit and, where there is one, of the implementation that it is compared with.
package struct Benchmark: Sendable {
    /// The name in options and in the lines for scripts.
    package var name: String

    /// The measured quantity, and how the ratio is formed.
    package var figure: String

    /// The bar for the ratio.
    package var bar: Bar

    /// The kit first, then the implementation that it is compared with, then subjects that are shown for information.
    package var subjects: [Subject]

    /// Forms the value that is held to the bar, from the medians of the first two subjects.
    package var ratio: @Sendable (_ ours: Double, _ theirs: Double) -> Double

    /// The reason why this machine cannot measure it.
    package var skipped: String?

    /// Creates a benchmark. By default the ratio is the kit's own value, without a comparison.
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

/// A subject that a benchmark measures.
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

/// The result of one measurement.
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

    /// The figure that goes into the ratio.
    package var main: Figure

    /// Further figures, shown beside it.
    package var others: [Figure]

    /// Creates a sample.
    package init(main: Figure, others: [Figure] = []) {
        self.main = main
        self.others = others
    }
}

/// A bar that a value has to reach.
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
