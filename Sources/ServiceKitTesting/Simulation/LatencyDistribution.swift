internal import ServiceKit
private import Glibc

/// How long something takes: a time that is drawn for each call.
public enum LatencyDistribution: Hashable, Sendable {
    /// Always the same.
    case constant(Duration)
    /// All times between two are equally likely.
    case uniform(Duration, Duration)
    /// Many short times and few long ones.
    case exponential(mean: Duration)
    /// A bell; times below 0 count as 0.
    case normal(mean: Duration, deviation: Duration)
    /// A bell over the logarithm of the time, as the latencies of services mostly have; `sigma` is the deviation of the
    /// logarithm.
    case logNormal(median: Duration, sigma: Double)

    /// The mean of the times.
    public var mean: Duration {
        switch self {
        case .constant(let time): return time
        case .uniform(let low, let high): return (low + high) / 2
        case .exponential(let mean): return mean
        case .normal(let mean, let deviation):
            guard deviation > .zero else { return max(.zero, mean) }
            let ratio = mean / deviation
            let below = 0.5 * erfc(ratio / 2.0.squareRoot())
            return mean * (1 - below) + deviation * (exp(-ratio * ratio / 2) / (2 * Double.pi).squareRoot())
        case .logNormal(let median, let sigma): return median * exp(sigma * sigma / 2)
        }
    }

    /// Draws a time, in nanoseconds.
    func draw(_ random: inout SplitMix64) -> UInt64 {
        switch self {
        case .constant(let time): return time.nanoseconds
        case .uniform(let low, let high):
            return low.nanoseconds + UInt64(Double((high - low).nanoseconds) * random.fraction())
        case .exponential(let mean):
            return UInt64(-log(1 - random.fraction()) * Double(mean.nanoseconds))
        case .normal(let mean, let deviation):
            let time = Double(mean.nanoseconds) + Double(deviation.nanoseconds) * Self.bell(&random)
            return UInt64(max(0, time))
        case .logNormal(let median, let sigma):
            return UInt64(min(Double(median.nanoseconds) * exp(sigma * Self.bell(&random)), 1e18))
        }
    }

    /// A number of the standard normal distribution (Box and Muller, 1958).
    private static func bell(_ random: inout SplitMix64) -> Double {
        let radius = (-2 * log(1 - random.fraction())).squareRoot()
        return radius * cos(2 * Double.pi * random.fraction())
    }
}
