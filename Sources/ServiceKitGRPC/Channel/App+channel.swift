public import GRPCCore
public import ServiceKit
private import ServiceLifecycle
private import Synchronization

extension App {
    /// A client of a service, which the App runs: `UserService.Client(wrapping: app.channel("user-service"))`.
    ///
    /// Ask for it before the App runs; asking for the same service again gives the same client. It can be used when the
    /// App starts its servers, and until they have drained.
    /// - Parameter service: The service's name.
    /// - Returns: The client.
    /// - Throws: `ConfigurationError` when the section `client` is wrong; `AppError` when the name is not valid, or when
    ///   the App runs already and has no channel to the service.
    public func channel(_ service: String) throws -> GRPCClient<ServiceChannel> {
        try component(Channels.self) { Channels() }.client(of: ChannelTarget(inGivenRegistry: service), in: self)
    }
}

/// The channels of an App.
private final class Channels: Sendable {
    private let clients = Mutex<[String: GRPCClient<ServiceChannel>]>([:])

    func client(of target: ChannelTarget, in app: App) throws -> GRPCClient<ServiceChannel> {
        try clients.withLock { clients in
            if let client = clients[target.service] { return client }
            // A channel that is asked for now would never run, and its calls would wait in vain.
            if app.isSettled {
                throw AppError("the App runs already; ask for the channel to \(target.service) before")
            }
            let channel = try ServiceChannel(to: target, of: app)
            app.addChannel(channel.snapshot)
            let client = GRPCClient(transport: channel)
            app.add(ChannelService(client: client))
            clients[target.service] = client
            return client
        }
    }
}

/// Runs a channel's connections with an App.
private struct ChannelService: Service {
    let client: GRPCClient<ServiceChannel>

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await client.runConnections()
        } onGracefulShutdown: {
            client.beginGracefulShutdown()
        }
    }
}
