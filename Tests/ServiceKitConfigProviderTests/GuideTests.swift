import Configuration
import ServiceKit
import ServiceKitConfigProvider

/// The examples of the guide. They are compiled, and not run: the first reads the command line, the second has no end.
enum Guide {
    static func run() async {
        await App.run { app in
            let provider = ConfigurationStoreProvider(app.store, sections: ["http-client"])
            let config = ConfigReader(provider: provider).scoped(to: "http-client")
            let limit = config.int(forKey: "maxConnections", default: 8)
            print("at most \(limit) connections")
        }
    }

    static func follow(_ config: ConfigReader) async throws {
        try await config.watchInt(forKey: "maxConnections", default: 8) { updates in
            for await limit in updates { print(limit) }
        }
    }
}
