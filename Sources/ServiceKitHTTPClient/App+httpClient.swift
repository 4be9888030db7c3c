public import ServiceKit
internal import ServiceKitGRPC
private import ServiceLifecycle
private import Synchronization

extension App {
    /// A client of a service over HTTP, which the App runs: `try app.httpClient("user-service")`.
    ///
    /// Ask for it before the App runs; asking for the same service again gives the same client. It can be used when the
    /// App starts its servers, and until they have drained.
    /// - Parameter service: The service's name, or the URL of a server: `https://api.example.com/v2`.
    /// - Returns: The client.
    /// - Throws: `ConfigurationError` when the section `client` is wrong; `AppError` when the name is not valid, or when
    ///   the App runs already and has no client of the service.
    public func httpClient(_ service: String) throws -> ServiceHTTPClient {
        try component(HTTPServiceClients.self) { HTTPServiceClients() }.client(of: service, in: self)
    }
}

/// The clients of an App.
private final class HTTPServiceClients: Sendable {
    private let clients = Mutex<[String: ServiceHTTPClient]>([:])

    func client(of service: String, in app: App) throws -> ServiceHTTPClient {
        try clients.withLock { clients in
            if let client = clients[service] { return client }
            // A client that is asked for now would never run, and its calls would wait in vain.
            if app.isSettled {
                throw AppError("the App runs already; ask for the HTTP client of \(service) before")
            }
            let url = try HTTPOrigin(service)
            let setup = try ChannelSetup(
                to: url?.name ?? service, of: app, discoverer: try url?.discoverer(app.logger))
            let client = try ServiceHTTPClient(setup, url)
            app.addChannel(client.snapshot)
            app.add(HTTPClientService(client: client))
            clients[service] = client
            return client
        }
    }
}

/// Runs a client with an App.
private struct HTTPClientService: Service {
    let client: ServiceHTTPClient

    func run() async throws {
        await withGracefulShutdownHandler {
            await client.run()
        } onGracefulShutdown: {
            client.beginGracefulShutdown()
        }
    }
}
