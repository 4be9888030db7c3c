import ServiceKit

/// Prints the instances that join and leave, and once a second the number of calls to each instance.
struct Follower: Sendable {
    let discovery: Discovery
    let counter: InstanceCounter

    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await followInstances() }
            group.addTask { await followCalls() }
        }
    }

    private func followInstances() async {
        var known = InstanceSet()
        for await snapshot in discovery.watch("user-service") {
            if case .stale(_, let cause) = snapshot.state { say("registry away: \(cause)") }
            let changes = snapshot.instances.changes(since: known)
            for instance in changes.added.sorted(by: { $0.id < $1.id }) {
                say("joined  \(instance.id)  \(instance.endpoints.map(\.description).joined(separator: " "))")
            }
            for instance in changes.removed { say("left    \(instance.id)") }
            known = snapshot.instances
        }
    }

    private func followCalls() async {
        var before: [String: Int] = [:]
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            let now = counter.counts
            let served = now.map { ($0.key, $0.value - before[$0.key, default: 0]) }.filter { $0.1 > 0 }
            say("calls   " + served.sorted { $0.0 < $1.0 }.map { "\($0.0): \($0.1)" }.joined(separator: "  "))
            before = now
        }
    }

    private func say(_ line: String) {
        // At once, into a pipe too. Calls do not wait for the reader.
        OutputWriter.standardOutput.write("\(line)\n")
    }
}
