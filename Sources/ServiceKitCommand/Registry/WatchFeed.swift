import ServiceKit

/// The instances of the watched services, kept up to date while the feed runs.
struct WatchFeed: Sendable {
    struct State: Sendable {
        /// The instances of each service, by the service's name.
        var services: [String: DiscoverySnapshot] = [:]
        /// Counts the seconds, so that the table redraws the ages.
        var seconds = 0
    }

    let registry: any Registry
    /// The service to watch; `nil` for all services.
    let service: String?
    let state = Watched(State())

    /// The time between two checks for new services.
    private static let interval = Duration.seconds(1)

    /// Watches until the task is cancelled. Throws `CommandFailure` or `RegistryError` when the registry cannot name
    /// its services.
    func run() async throws {
        let known = if let service { [service] } else { try await registry.allServices() }
        await withTaskGroup(of: Void.self) { group in
            for name in known { group.addTask { await follow(name) } }
            // A task of its own: a slow registry must not stop the clock.
            group.addTask {
                while (try? await Task.sleep(for: Self.interval)) != nil { state.update { $0.seconds += 1 } }
            }
            var watched = Set(known)
            // Ends when the task is cancelled.
            while (try? await Task.sleep(for: Self.interval)) != nil {
                guard service == nil, let names = try? await registry.services() else { continue }
                for name in names where watched.insert(name).inserted { group.addTask { await follow(name) } }
            }
            group.cancelAll()
        }
    }

    private func follow(_ name: String) async {
        for await snapshot in registry.watch(name) { state.update { $0.services[name] = snapshot } }
    }
}
