internal import GRPCCore
internal import ServiceKit
private import SwiftProtobuf
private import Synchronization

/// `grpc.health.v1.Health`: the App's health, for the server as a whole and for each of its services.
final class HealthService: Grpc_Health_V1_Health.SimpleServiceProtocol {
    /// How many calls of Watch a server has at once.
    static let maxWatches = 1000

    private let health: Watched<AppHealth>
    /// The full names of the services; the empty one is the server.
    private let services: Set<String>
    private let watches = Atomic(0)

    /// - Parameters:
    ///   - health: The App's.
    ///   - services: The full names of the services that are served.
    init(_ health: Watched<AppHealth>, services: Set<String>) {
        self.health = health
        self.services = services.union([""])
    }

    func check(
        request: Grpc_Health_V1_HealthCheckRequest,
        context: ServerContext
    ) async throws -> Grpc_Health_V1_HealthCheckResponse {
        guard services.contains(request.service) else {
            throw RPCError(code: .notFound, message: "there is no service \"\(request.service)\" here")
        }
        return health.value.response
    }

    func list(
        request: Grpc_Health_V1_HealthListRequest,
        context: ServerContext
    ) async throws -> Grpc_Health_V1_HealthListResponse {
        let response = health.value.response
        return .with { $0.statuses = Dictionary(uniqueKeysWithValues: services.map { ($0, response) }) }
    }

    /// Tells each change of the status; ends when the App stops, so that it does not keep the server from draining.
    func watch(
        request: Grpc_Health_V1_HealthCheckRequest,
        response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>,
        context: ServerContext
    ) async throws {
        defer { watches.subtract(1, ordering: .relaxed) }
        guard watches.add(1, ordering: .relaxed).newValue <= Self.maxWatches else {
            throw RPCError(code: .resourceExhausted, message: "there are \(Self.maxWatches) health watches already")
        }
        let isKnown = services.contains(request.service)
        try await whileCallLasts(context) { [health] in
            var last: Grpc_Health_V1_HealthCheckResponse?
            for await health in health.values {
                // Services are settled when a server starts: a service that is not known now never will be.
                let next = isKnown ? health.response : .with { $0.status = .serviceUnknown }
                if next != last { try await response.write(next) }
                last = next
                if health.isEnding { return }
            }
        }
    }
}

extension AppHealth {
    /// The answer to health checks.
    fileprivate var response: Grpc_Health_V1_HealthCheckResponse {
        .with { $0.status = isServing ? .serving : .notServing }
    }

    /// Whether it will not serve again.
    var isEnding: Bool { self == .stopping || self == .stopped }
}

/// Runs what waits for something else than its call, and cancels it when the caller leaves.
///
/// - Throws: The error of the body; `CancellationError` when the caller has left.
func whileCallLasts(
    _ context: ServerContext,
    _ body: @escaping @Sendable () async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            try await context.cancellation.cancelled
            throw CancellationError()
        }
        group.addTask { try await body() }
        defer { group.cancelAll() }
        _ = try await group.next()
    }
}
