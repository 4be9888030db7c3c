import ServiceKit

/// What is known of the services that are watched, kept up to date while it runs.
struct WatchFeed: Sendable {
    /// What there is to see at one moment.
    struct State: Sendable {
        /// By the services' names.
        var services: [String: DiscoverySnapshot] = [:]
        /// Counts the seconds, so that ages are drawn anew.
        var seconds = 0
    }

    let registry: any Registry
    /// The service; without one all are watched.
    let service: String?
    let state = Watched(State())

    /// How often it is looked whether there are further services.
    private static let interval = Duration.seconds(1)

    /// Watches until the task is cancelled.
    ///
    /// - Throws: `CommandFailure` or `RegistryError` when the registry cannot name its services.
    func run() async throws {
        let known = if let service { [service] } else { try await registry.allServices() }
        await withTaskGroup(of: Void.self) { group in
            for name in known { group.addTask { await follow(name) } }
            // Apart from the rest: a registry that is slow to answer is not to stop the clock.
            group.addTask {
                while (try? await Task.sleep(for: Self.interval)) != nil { state.update { $0.seconds += 1 } }
            }
            var watched = Set(known)
            // Ends with the cancellation.
            while (try? await Task.sleep(for: Self.interval)) != nil {
                guard service == nil, let names = try? await registry.services() else { continue }
                for name in names where watched.insert(name).inserted { group.addTask { await follow(name) } }
            }
            group.cancelAll()
        }
    }

    private func follow(_ name: String) async {
        for await snapshot in registry.watch(name) {
            state.update { $0.services[name] = snapshot }
        }
    }
}
