import Dispatch

/// Where a registry's file work is done, one piece after the other: a disk that hangs must not hold a thread of the
/// concurrency runtime.
struct FileQueue: Sendable {
    let queue = DispatchQueue(label: "servicekit.file-registry")

    /// Does a piece of work, also when the task is cancelled.
    func run<Output: Sendable>(
        _ work: @escaping @Sendable () throws(SystemError) -> Output
    ) async throws(RegistryError) -> Output {
        let result = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: Result(catching: work)) }
        }
        return try result.mapError(\.registryError).get()
    }

    func after(_ pause: Duration, _ work: @escaping @Sendable () -> Void) {
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(pause / .nanoseconds(1))), execute: work)
    }
}
