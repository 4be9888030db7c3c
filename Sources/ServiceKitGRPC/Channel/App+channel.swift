public import ServiceKit
private import ServiceLifecycle
private import Synchronization

extension App {
    /// A channel to a service, which the App runs: `User_V1_UserService.Stub(try app.channel("user-service"))`.
    ///
    /// Ask for it before the App runs; asking for the same service again gives the same channel. It can be used when the
    /// App starts its servers, and until they have drained.
    /// - Parameter service: The service's name.
    /// - Returns: The channel.
    /// - Throws: `ConfigurationError` when the section `client` is wrong; `AppError` when the name is not valid, or when
    ///   the App runs already and has no channel to the service.
    public func channel(_ service: String) throws -> ServiceChannel {
        try component(Channels.self) { Channels() }.channel(
            to: ChannelTarget(inGivenRegistry: service).service, in: self)
    }
}

/// The channels of an App.
private final class Channels: Sendable {
    private let channels = Mutex<[String: ServiceChannel]>([:])

    func channel(to service: String, in app: App) throws -> ServiceChannel {
        try channels.withLock { channels in
            if let channel = channels[service] { return channel }
            // A channel that is asked for now would never run, and its calls would wait in vain.
            if app.isSettled {
                throw AppError("the App runs already; ask for the channel to \(service) before")
            }
            let channel = try ServiceChannel(ChannelSetup(to: service, of: app))
            app.addChannel(channel.snapshot)
            app.add(ChannelService(channel: channel))
            channels[service] = channel
            return channel
        }
    }
}

/// Runs a channel's connections with an App.
private struct ChannelService: Service {
    let channel: ServiceChannel

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await channel.connect()
        } onGracefulShutdown: {
            channel.beginGracefulShutdown()
        }
    }
}
