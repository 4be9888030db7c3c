import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC

/// The mistakes of a configuration.
///
/// The sections of the kit are read as a service reads them. Only the service can read its own sections; there, the
/// placeholders are checked. A placeholder is no mistake if only its variable, its file or another layer is missing.
struct ConfigurationCheck {
    /// The most errors that are looked for.
    static let maximumErrors = 100

    private(set) var errors: [ConfigurationError] = []
    /// Why values were not checked: what their placeholders stand for is not known here.
    private(set) var unchecked: [ConfigurationError] = []
    /// Sections that the kit does not know.
    private(set) var foreign: [(name: String, location: SourceLocation?)] = []

    /// Reads a file by itself, without the environment or another file over it.
    init(file: String, plugins: [Plugin]) {
        do throws(ConfigurationError) {
            let variables = ProcessEnvironment.current
            let document = ConfigurationDocument(origin: file, bytes: try ConfigurationFile.contents(of: file))
            let (configuration, mistakes, unchecked) = try LayerStack(documents: [document]).mergedForCheck(
                variables: variables)
            self.init(configuration, plugins: plugins, known: mistakes)
            self.unchecked = unchecked
        } catch {
            self.init(Configuration(), plugins: plugins, known: [error])
        }
    }

    /// Looks for all mistakes beside the known ones: leaves out each value with a mistake, and checks the rest again.
    init(_ configuration: Configuration, plugins: [Plugin], known: [ConfigurationError] = []) {
        let foreignSections = Self.foreignSections(of: configuration, plugins)
        foreign = foreignSections.map { ($0, configuration.location(of: $0)) }
        errors = known
        var rest: Configuration? = configuration
        for error in known { rest = error.keyPath.flatMap { rest?.without($0) } ?? rest }
        while let next = rest, errors.count < Self.maximumErrors,
            let error = Self.firstError(in: next, plugins, foreign: foreignSections)
        {
            errors.append(error)
            rest = error.keyPath.flatMap(next.without)
        }
        errors.sort {
            ($0.location?.line ?? 0, $0.location?.column ?? 0) < ($1.location?.line ?? 0, $1.location?.column ?? 0)
        }
    }

    /// The sections that only the service can read: neither the App nor a linked module reads them. A variable that may be
    /// somebody else's makes no section: it is checked as a service checks it.
    private static func foreignSections(of configuration: Configuration, _ plugins: [Plugin]) -> [String] {
        // Nothing in an empty configuration can be wrong.
        let empty = Configuration()
        try? read(empty, plugins)
        let known = empty.sections
        return configuration.keys(at: "").filter { !known.contains($0) && !configuration.mayBeForeign($0) }
    }

    /// Reads all sections as a service and its modules read them. Nothing is started.
    static func read(_ configuration: Configuration, _ plugins: [Plugin]) throws {
        _ = try App(configuration: configuration, plugins: plugins, logger: .silent)
        try ConfigurationSections(plugins: plugins + [.grpc]).check(configuration)
        let balancer = try ChannelOptions(configuration).balancer
        for name in [balancer] + configuration.keys(at: "client.balancers") {
            _ = try Balancers(plugins: plugins).make(name, configuration: configuration)
        }
        let backends = RegistryBackends(plugins: plugins)
        for name in backends.names where configuration.contains("registry.\(name)") {
            _ = try backends.make(name, configuration: configuration, logger: .silent)
        }
    }

    private static func firstError(
        in configuration: Configuration,
        _ plugins: [Plugin],
        foreign: [String]
    ) -> ConfigurationError? {
        do {
            try read(configuration, plugins)
            for key in foreign { configuration.claim(key) }
            try configuration.checkForUnknownKeys()
            return nil
        } catch let error as ConfigurationError {
            return error
        } catch {
            return ConfigurationError(message: "\(error)")
        }
    }
}

extension Logger {
    /// A logger for a trial run: it writes nothing.
    static var silent: Logger { Logger(label: "kit") { _ in SwiftLogNoOpLogHandler() } }
}
