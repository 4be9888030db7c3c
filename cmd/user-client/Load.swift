import GRPCCore
import ServiceKit
import ServiceKitGRPC
import ServiceKitSampleAPI
import SwiftProtobuf
import Synchronization

/// Calls to make.
struct Load: Sendable {
    /// How many at most.
    let count: Int?
    /// For how long at most.
    let duration: Duration?
    /// How many at once.
    let concurrency: Int
    /// How many a second, all together.
    let rate: Double?

    /// How long calls that are under way at the end of the duration have left, before they count as open.
    private static let grace = Duration.milliseconds(100)

    private final class Progress: Sendable {
        let start = ContinuousClock.now
        let started = Atomic(0)
        let summary = Mutex(Summary())
    }

    /// A call to make.
    private struct Turn {
        let number: Int
        /// When it is due; `nil` for at once.
        let due: ContinuousClock.Instant?
    }

    /// Makes the calls, until they are made, the duration is over, or there is an interruption. Calls that are under way
    /// then are cancelled, and counted as open.
    ///
    /// - Parameter interruption: Returns when there is one, or when its task is cancelled.
    func run(
        _ users: User_V1_UserService.Client<ServiceChannel>,
        counter: InstanceCounter,
        interruption: @escaping @Sendable () async -> Void
    ) async -> Summary {
        let progress = Progress()
        let end = await withTaskGroup(of: Void.self) { group in
            group.addTask { await makeCalls(users, progress) }
            if let duration {
                group.addTask { try? await Task.sleep(until: progress.start + duration + Self.grace) }
            }
            group.addTask(operation: interruption)
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

    private func makeCalls(_ users: User_V1_UserService.Client<ServiceChannel>, _ progress: Progress) async {
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
                                // The calls before took too long: who would have made this one has waited since then.
                                start = due
                            }
                        }
                        let record = await call(users, number: turn.number, since: start)
                        // It has failed because of the end, and not by itself.
                        let isOpen = Task.isCancelled && record.failure != nil
                        progress.summary.withLock { isOpen ? $0.addOpen(record) : $0.add(record) }
                    }
                }
            }
        }
    }

    /// The next call to make; `nil` when there is none any more.
    private func next(_ progress: Progress) -> Turn? {
        if Task.isCancelled { return nil }
        let number = progress.started.add(1, ordering: .relaxed).oldValue
        if let count, number >= count { return nil }
        let due = rate.map { progress.start + .seconds(Double(number) / $0) }
        if let duration, (due ?? .now) >= progress.start + duration { return nil }
        return Turn(number: number, due: due)
    }

    /// How many calls a rate and a count make due in a time; none without a rate.
    private func callsDue(within time: Duration) -> Int {
        guard let rate else { return 0 }
        let time = duration.map { min($0, time) } ?? time
        let due = min((time / .seconds(1) * rate).rounded(.up), 1e15)
        return min(Int(due), count ?? .max)
    }

    private func call(
        _ users: User_V1_UserService.Client<ServiceChannel>,
        number: Int,
        since start: ContinuousClock.Instant
    ) async -> CallRecord {
        do {
            let id = Int64(number % 3 + 1)
            let user = try await users.getUser(.with { $0.id = id })
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

/// How one call went.
struct CallRecord: Sendable {
    let latency: Duration
    let failure: (status: String, message: String)?
}
