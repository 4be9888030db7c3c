import Testing

@testable import ServiceKit

/// The median, compared with that of a sorted list.
@Suite struct MedianStepTests {
    @Test(arguments: [1, 2, 3] as [UInt64]) func medianIsThatOfASortedList(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var median = MedianStep()
        var steps: [Int] = []
        for change in 0..<3000 {
            // Steps crowd, and few are far away.
            let isFar = random.next(below: 10) == 0
            if change % 600 < 350 || steps.isEmpty {
                let step = random.next(below: isFar ? 800 : 12) - 320
                steps.append(step)
                median.add(step)
            } else {
                median.remove(steps.remove(at: random.next(below: steps.count)))
            }
            #expect(median.count == steps.count)
            steps.sort()
            guard let lower = steps.dropFirst((steps.count - 1) / 2).first else { continue }
            let upper = try #require(steps.dropFirst(steps.count / 2).first)
            let expected = (ReportedWeight.weight(ofStep: lower) + ReportedWeight.weight(ofStep: upper)) / 2
            #expect(median.weight == expected)
        }
    }
}
