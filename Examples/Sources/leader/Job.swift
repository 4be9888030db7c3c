import EtcdClient
import Foundation
import ServiceLifecycle

/// Counts in etcd, every half a second, while this instance leads.
struct Job: Service {
    /// The id of this instance.
    let id: String
    let etcd: EtcdConfig
    /// The time after which another instance leads when the process of the leader dies. A leader that stops in order
    /// resigns at once.
    var ttl = Duration.seconds(2)

    func run() async throws {
        try await EtcdClient.withClient(etcd) { client in
            await cancelWhenGracefulShutdown {
                while !Task.isCancelled {
                    do {
                        try await client.withSession(ttl: ttl) { try await lead($0) }
                    } catch is CancellationError {
                        break
                    } catch {
                        // The leadership was lost, or etcd is away. The next session stands for election again.
                        say("lost: \(error)")
                        try? await Task.sleep(for: .seconds(1))
                    }
                }
            }
        }
        say("stopped")
    }

    /// Waits to be elected, and works. It is cancelled when the session is lost.
    private func lead(_ session: EtcdSession) async throws {
        say("waits to be elected")
        try await session.lead("leader/count", value: id) { leadership in
            say("leads")
            while true {
                try await work(as: leadership, session.client)
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    /// One piece of the work. etcd refuses the write if another instance leads by now, so that a leader which was asleep does
    /// no harm.
    private func work(as leadership: Leadership, _ client: EtcdClient) async throws {
        let last = try await client.get("count").flatMap { Int($0.valueText) } ?? 0
        let write = Transaction(if: [leadership.ownership.isOwner], then: [.put("count", "\(last + 1)")])
        guard try await client.commit(write).succeeded else {
            throw EtcdError(code: .leaseNotFound, message: "another instance leads")
        }
        say("counts \(last + 1)")
    }

    /// Prints a line at once, also into a pipe.
    private func say(_ line: String) {
        print("\(id): \(line)")
        fflush(nil)
    }
}
