import GRPCCore
import ServiceKit
import ServiceKitGRPC
import Synchronization
import SwiftProtobuf
import UserAPI

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

    private final class Progress: Sendable {
        let started = Atomic(0)
        let summary = Mutex(Summary())
    }

    /// Makes the calls, until they are made or the task is cancelled.
    func run(_ users: User_V1_UserService.Client<ServiceChannel>, counter: InstanceCounter) async -> Summary {
        let progress = Progress()
        let start = ContinuousClock.now
        await withDiscardingTaskGroup { group in
            for _ in 0..<concurrency {
                group.addTask {
                    while let (number, scheduled) = next(progress, since: start) {
                        if let scheduled {
                            guard (try? await Task.sleep(until: scheduled)) != nil else { return }
                        }
                        let outcome = await call(users, number: number)
                        progress.summary.withLock { $0.add(outcome) }
                    }
                }
            }
        }
        var summary = progress.summary.withLock(\.self)
        summary.duration = .now - start
        summary.instances = counter.counts
        return summary
    }

    /// The next call's number, and when to make it.
    private func next(
        _ progress: Progress,
        since start: ContinuousClock.Instant
    ) -> (number: Int, scheduled: ContinuousClock.Instant?)? {
        if Task.isCancelled { return nil }
        let number = progress.started.add(1, ordering: .relaxed).oldValue
        if let count, number >= count { return nil }
        let scheduled = rate.map { start + .seconds(Double(number) / $0) }
        if let duration, (scheduled ?? .now) >= start + duration { return nil }
        return (number, scheduled)
    }

    private func call(_ users: User_V1_UserService.Client<ServiceChannel>, number: Int) async -> CallRecord {
        let start = ContinuousClock.now
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
