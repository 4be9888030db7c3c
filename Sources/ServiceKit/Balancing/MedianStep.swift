/// The median of the steps of ``ReportedWeight`` that nodes have.
///
/// It moves by the steps between the old median and the new one when a step comes or goes. There are some hundred steps, so the
/// number of nodes does not count.
struct MedianStep: Sendable {
    /// The number of nodes with each step.
    private var counts: [Int: Int] = [:]
    /// The number of nodes.
    private(set) var count = 0
    /// The lower one of the two middle steps, and the number of nodes below it.
    private var lower = 0
    private var below = 0
    /// The weight of the median: the mean of the two middle ones if the number of nodes is even.
    private(set) var weight = 1.0

    mutating func add(_ step: Int) {
        if count == 0 { (lower, below) = (step, 0) }
        counts[step, default: 0] += 1
        count += 1
        if step < lower { below += 1 }
        settle()
    }

    mutating func remove(_ step: Int) {
        guard let number = counts[step] else { return }
        counts[step] = number > 1 ? number - 1 : nil
        count -= 1
        if step < lower { below -= 1 }
        settle()
    }

    private mutating func settle() {
        if count == 0 { return }
        while below > (count - 1) / 2 {
            lower -= 1
            below -= counts[lower, default: 0]
        }
        while below + counts[lower, default: 0] <= (count - 1) / 2 {
            below += counts[lower, default: 0]
            lower += 1
        }
        var upper = lower
        var upTo = below + counts[lower, default: 0]
        while upTo <= count / 2 {
            upper += 1
            upTo += counts[upper, default: 0]
        }
        weight = (ReportedWeight.weight(ofStep: lower) + ReportedWeight.weight(ofStep: upper)) / 2
    }
}
