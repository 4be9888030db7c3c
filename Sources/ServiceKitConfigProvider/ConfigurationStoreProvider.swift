public import Configuration
public import ServiceKit
internal import ServiceKitConfig

/// The configuration of a service, for packages that read theirs through swift-configuration.
///
/// ```swift
/// let provider = ConfigurationStoreProvider(app.store, sections: ["http-client"])
/// let config = ConfigReader(provider: provider)
/// let timeout = config.int(forKey: "http-client.connectTimeout", default: 10)
/// ```
///
/// It has the merged tree of all layers, and follows its changes. A key is found as it is written, or in kebab-case:
/// `http-client.connectTimeout` is `http-client: {connect-timeout: 5}`. Bytes are written in Base64. The context of a key is
/// left out.
public final class ConfigurationStoreProvider: ConfigProvider {
    /// `ConfigurationStoreProvider`
    public var providerName: String { current.providerName }
    private let store: ConfigurationStore

    /// Creates a provider.
    ///
    /// - Parameters:
    ///   - store: The configuration of an App, or of a program.
    ///   - sections: The paths of the values that only other packages read, such as `http-client`. Any other key that no type
    ///     of the program knows is refused as unknown.
    public init(_ store: ConfigurationStore, sections: [String]) {
        self.store = store
        for path in sections { store.configuration.claim(path) }
    }

    /// The value in force.
    ///
    /// - Throws: `ConfigurationError` with the place of a value that does not fit the type.
    public func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        try current.value(forKey: key, type: type)
    }

    /// The value in force. It is at hand: nothing is awaited.
    ///
    /// - Throws: `ConfigurationError` with the place of a value that does not fit the type.
    public func fetchValue(forKey key: AbsoluteConfigKey, type: ConfigType) async throws -> LookupResult {
        try value(forKey: key, type: type)
    }

    /// Follows a value: the one in force, and each later one that differs. A slow reader skips to the latest.
    public func watchValue<Return: ~Copyable>(
        forKey key: AbsoluteConfigKey,
        type: ConfigType,
        updatesHandler: (ConfigUpdatesAsyncSequence<Result<LookupResult, any Error>, Never>) async throws -> Return
    ) async throws -> Return {
        let values = store.generations.values.map { [store] _ in
            Lookup(result: Result { try ConfigurationSnapshot(store.configuration).value(forKey: key, type: type) })
        }
        return try await updatesHandler(ConfigUpdatesAsyncSequence(Changes(values).map(\.result)))
    }

    /// The configuration in force.
    public func snapshot() -> any ConfigSnapshot { current }

    /// Follows the configuration: the one in force, and each later one. A slow reader skips to the latest.
    public func watchSnapshot<Return: ~Copyable>(
        updatesHandler: (ConfigUpdatesAsyncSequence<any ConfigSnapshot, Never>) async throws -> Return
    ) async throws -> Return {
        let snapshots = store.generations.values.map { [store] _ -> any ConfigSnapshot in
            ConfigurationSnapshot(store.configuration)
        }
        return try await updatesHandler(ConfigUpdatesAsyncSequence(snapshots))
    }

    private var current: ConfigurationSnapshot { ConfigurationSnapshot(store.configuration) }
}

/// The outcome of looking a key up. Errors are compared by their texts.
private struct Lookup: Equatable, Sendable {
    var result: Result<LookupResult, any Error>

    static func == (one: Lookup, other: Lookup) -> Bool {
        switch (one.result, other.result) {
        case (.success(let one), .success(let other)): one == other
        case (.failure(let one), .failure(let other)): "\(one)" == "\(other)"
        default: false
        }
    }
}

/// The elements of a sequence that differ from the one before.
private struct Changes<Base: AsyncSequence & Sendable>: AsyncSequence, Sendable
where Base.Element: Equatable, Base.Failure == Never {
    typealias Failure = Never

    struct Iterator: AsyncIteratorProtocol {
        var base: Base.AsyncIterator
        var last: Base.Element?

        mutating func next(isolation actor: isolated (any Actor)?) async -> Base.Element? {
            while let element = await base.next(isolation: actor) {
                if element == last { continue }
                last = element
                return element
            }
            return nil
        }
    }

    private let base: Base

    init(_ base: Base) {
        self.base = base
    }

    func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator()) }
}
