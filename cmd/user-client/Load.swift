import GRPCCore
import ServiceKit
import ServiceKitGRPC
import ServiceKitSampleAPI
import SwiftProtobuf
import Synchronization

struct Load: Sendable {
    /// The largest number of calls.
    let count: Int?
    /// The longest time.
    let duration: Duration?
    /// The number of calls at once.
    let concurrency: Int
    /// The number of calls in a second, all together.
    let rate: Double?
    /// The headers of each call.
    let metadata: Metadata

    /// The extra time for calls under way at the end of the duration. After it they count as open.
    private static let grace = Duration.milliseconds(100)

    private final class Progress: Sendable {
        let start = ContinuousClock.now
        let started = Atomic(0)
        let summary = Mutex(Summary())
    }

    private struct Turn {
        let number: Int
        /// The time at which the call is due; `nil` for at once.
        let due: ContinuousClock.Instant?
    }

    /// Makes the calls, until all are made, the duration is over, or the interruption returns. Then it cancels the calls
    /// under way, and counts them as open.
    func run(
        _ users: User_V1_UserService.Stub,
        counter: InstanceCounter,
        interruption: @escaping @Sendable () async -> Void
    ) async -> Summary {
        let progress = Progress()
        let end = await withTaskGroup(of: Void.self) { group in
            group.addTask { await makeCalls(users, progress) }
            if let duration { group.addTask { try? await Task.sleep(until: progress.start + duration + Self.grace) } }
            group.addTask { await interruption() }
            await group.next()
            let end = ContinuousClock.now
            group.cancelAll()
            return end
        }
        var summary = progress.summary.withLock(\.self)
        summary.duration = end - progress.start
        summary.missed = max(0, callsDue(within: summary.duration) - progress.started.load(ordering: .relaxed))
        summary.instances = counter.counts
        return summary
    }

    private func makeCalls(_ users: User_V1_UserService.Stub, _ progress: Progress) async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<concurrency {
                group.addTask {
                    while let turn = next(progress) {
                        var start = ContinuousClock.now
                        if let due = turn.due {
                            if due > start {
                                guard (try? await Task.sleep(until: due)) != nil else { return }
                                start = .now
                            } else {
                                // Earlier calls took too long. The latency counts from the time at which this call was
                                // due.
                                start = due
                            }
                        }
                        let record = await call(users, number: turn.number, since: start)
                        // The end of the run has failed the call.
                        let isOpen = Task.isCancelled && record.failure != nil
                        progress.summary.withLock { isOpen ? $0.addOpen(record) : $0.add(record) }
                    }
                }
            }
        }
    }

    /// The next call to make; `nil` if there is none.
    private func next(_ progress: Progress) -> Turn? {
        if Task.isCancelled { return nil }
        let number = progress.started.add(1, ordering: .relaxed).oldValue
        if let count, number >= count { return nil }
        let due = rate.map { progress.start + .seconds(Double(number) / $0) }
        if let duration, (due ?? .now) >= progress.start + duration { return nil }
        return Turn(number: number, due: due)
    }

    /// The number of calls that the rate and the count make due within a time; none without a rate.
    private func callsDue(within time: Duration) -> Int {
        guard let rate else { return 0 }
        let time = duration.map { min($0, time) } ?? time
        let due = min((time / .seconds(1) * rate).rounded(.up), 1e15)
        return min(Int(due), count ?? .max)
    }

    private func call(
        _ users: User_V1_UserService.Stub,
        number: Int,
        since start: ContinuousClock.Instant
    ) async -> CallRecord {
        do {
            let id = Int64(number % 3 + 1)
            let user = try await users.getUser(.with { $0.id = id }, metadata: metadata)
            guard user.id == id else {
                return CallRecord(
                    latency: .now - start, failure: ("wrongAnswer", "asked for user \(id), got \(user.id)"))
            }
            return CallRecord(latency: .now - start, failure: nil)
        } catch let error as RPCError {
            return CallRecord(latency: .now - start, failure: (error.code.description, error.message))
        } catch {
            return CallRecord(latency: .now - start, failure: ("unknown", "\(error)"))
        }
    }
}

struct CallRecord: Sendable {
    let latency: Duration
    let failure: (status: String, message: String)?
}
