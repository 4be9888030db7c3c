/// The measurements of one benchmark, and its value.
struct Report {
    let benchmark: Benchmark

    /// The samples of each subject, one for each round.
    private var samples: [[Sample]]

    /// The reason why there is no value.
    private var failure: String?

    init(_ benchmark: Benchmark) {
        self.benchmark = benchmark
        self.samples = benchmark.subjects.map { _ in [] }
    }

    /// Adds the sample of a subject in one round.
    mutating func add(_ sample: Sample, of subject: Int) {
        self.samples[subject].append(sample)
    }

    /// Records why the benchmark could not be measured to its end.
    mutating func fail(_ reason: String) {
        self.failure = reason
    }

    /// The value that is held to the bar; `nil` if it was not measured.
    var value: Double? {
        guard self.failure == nil, self.benchmark.skipped == nil else { return nil }
        // Without a comparison, "theirs" is not a number.
        let medians = self.samples.prefix(2).map { $0.map(\.main.value).median } + [.nan]
        return self.benchmark.ratio(medians[0], medians[1])
    }

    /// The rows of the table.
    var rows: String {
        let heading = self.benchmark.name.padded(to: 25) + self.benchmark.figure.padded(to: 77)
        guard let value = self.value else {
            return heading + (self.benchmark.skipped.map { "skipped: \($0)" } ?? "failed: \(self.failure ?? "")")
        }
        let verdict = self.benchmark.bar.isMet(by: value) ? "met" : "missed"
        let result = value.formatted().aligned(to: 7) + "   " + "\(self.benchmark.bar)".padded(to: 7) + verdict
        let subjects = zip(self.benchmark.subjects, self.samples).map { subject, samples in
            "  " + subject.name.padded(to: 37) + Self.figures(samples)
        }
        return ([heading + result] + subjects).joined(separator: "\n")
    }

    /// The line for a script.
    var ratioLine: String {
        let missing = self.benchmark.skipped == nil ? "failed" : "skipped"
        return "ratio \(self.benchmark.name) " + (self.value?.formatted() ?? missing)
    }

    /// The median of each figure, and the range of the first one over the rounds.
    private static func figures(_ samples: [Sample]) -> String {
        guard let first = samples.first else { return "" }
        let mains = samples.map(\.main.value)
        let range = "(\((mains.min() ?? .nan).formatted())–\((mains.max() ?? .nan).formatted()))"
        let main = "\(mains.median.formatted()) \(first.main.unit) \(range)".padded(to: 46)
        let others = first.others.indices.map { index in
            "\(samples.map { $0.others[index].value }.median.formatted()) \(first.others[index].unit)"
        }
        return main + others.joined(separator: ", ")
    }
}
