import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitEtcd
import ServiceKitGRPC

/// What is wrong with a configuration.
///
/// The sections of the kit are read as a service reads them. Sections of the service's own, which only it can read, are
/// noted and let pass.
struct ConfigurationCheck {
    /// The most errors that are looked for.
    static let maximumErrors = 100

    /// The sections at the root that the kit itself reads.
    static let sections = ["app", "client", "log", "registry", "server", "shutdown", "startup"]

    private(set) var errors: [ConfigurationError] = []
    /// Sections that the kit does not know.
    private(set) var foreign: [(name: String, location: SourceLocation?)] = []

    /// Reads a file, without the environment's layer over it; `${NAME}` is looked up there all the same.
    init(file: String, environment: [String: String]) {
        let others = environment.filter { !$0.key.hasPrefix("KIT_") }
        let result = Result { () throws(ConfigurationError) in
            try Configuration.load(files: [file], environment: others)
        }
        switch result {
        case .success(let configuration): self.init(configuration)
        case .failure(let error): self.init(errors: [error])
        }
    }

    private init(errors: [ConfigurationError]) {
        self.errors = errors
    }

    /// Looks for all that is wrong: what is at fault is left out, and the rest looked at again.
    init(_ configuration: Configuration) {
        foreign = configuration.keys(at: "").filter { !Self.sections.contains($0) }
            .map { ($0, configuration.location(of: $0)) }
        var rest: Configuration? = configuration
        while let next = rest, errors.count < Self.maximumErrors, let error = Self.firstError(in: next) {
            errors.append(error)
            rest = error.keyPath.flatMap(next.without)
        }
        errors.sort {
            ($0.location?.line ?? 0, $0.location?.column ?? 0) < ($1.location?.line ?? 0, $1.location?.column ?? 0)
        }
    }

    private static func firstError(in configuration: Configuration) -> ConfigurationError? {
        do {
            // Each of them claims what it reads. Nothing is started.
            _ = try App(configuration: configuration, plugins: .linked, logger: .silent)
            _ = try configuration.decode(GRPCServerOptions.self, at: "server.grpc")
            _ = try configuration.decode(ChannelOptions.self, at: "client")
            let backends = RegistryBackends(plugins: .linked)
            for name in backends.names where configuration.contains("registry.\(name)") {
                _ = try backends.make(name, configuration: configuration, logger: .silent)
            }
            for key in configuration.keys(at: "") where !sections.contains(key) { configuration.claim(key) }
            try configuration.checkForUnknownKeys()
            return nil
        } catch let error as ConfigurationError {
            return error
        } catch {
            return ConfigurationError(message: "\(error)")
        }
    }
}

extension [Plugin] {
    /// What is linked into `kit`.
    static var linked: [Plugin] { [.etcd] }
}

extension Logger {
    /// A logger for what is only tried.
    static var silent: Logger { Logger(label: "kit") { _ in SwiftLogNoOpLogHandler() } }
}
