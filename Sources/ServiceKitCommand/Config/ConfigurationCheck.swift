import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC

/// The mistakes of a configuration.
///
/// The sections of the kit are read as a service reads them. Only the service can read its own sections; there, the
/// placeholders are checked. A placeholder is no mistake if only its variable, its file or another layer is missing; its
/// section is then not checked as a whole.
struct ConfigurationCheck {
    /// The most errors that are looked for.
    static let maximumErrors = 100

    private(set) var errors: [ConfigurationError] = []
    /// Why values were not checked: the texts of their placeholders are not known here.
    private(set) var unchecked: [ConfigurationError] = []
    /// Sections that the kit does not know.
    private(set) var foreign: [(name: String, location: SourceLocation?)] = []
    /// The documents as they were read, for the lines of mistakes.
    private(set) var documents: [ConfigurationDocument] = []

    /// Merges layers and checks the result. The variables are those of placeholders.
    init(
        _ layers: LayerStack,
        plugins: [Plugin],
        variables: [String: String] = ProcessEnvironment.current
    ) {
        do throws(ConfigurationError) {
            let (configuration, mistakes, unchecked) = try layers.mergedForCheck(variables: variables)
            self.init(configuration, plugins: plugins, known: mistakes)
            self.unchecked = unchecked
        } catch {
            self.init(failure: error)
        }
        documents = layers.documents
    }

    /// Checks the configuration of a service that starts here with these arguments: with the documents of the sources that
    /// it names. A source that is away is a note.
    init(_ arguments: AppArguments, plugins: [Plugin]) async {
        do throws(ConfigurationError) {
            var layers = try arguments.layers()
            self.init(layers, plugins: plugins)
            var notes: [ConfigurationError] = []
            for source in Self.sources(of: layers, plugins) {
                do {
                    layers.documents += try await source.documents()
                } catch {
                    notes.append(ConfigurationError(message: "\(error)"))
                }
            }
            if layers.documents != documents { self.init(layers, plugins: plugins) }
            unchecked += notes
        } catch {
            self.init(failure: error)
        }
    }

    private init(failure: ConfigurationError) {
        errors = [failure]
    }

    /// The sources that layers name, if they name them without a mistake.
    private static func sources(of layers: LayerStack, _ plugins: [Plugin]) -> [any ConfigurationSource] {
        guard let (configuration, _, _) = try? layers.mergedForCheck(variables: layers.environment) else { return [] }
        return (try? ConfigurationSources(plugins: plugins).make(configuration: configuration, logger: .silent)) ?? []
    }

    /// Looks for all mistakes beside the known ones: leaves out each value with a mistake, and checks the rest again.
    init(_ configuration: Configuration, plugins: [Plugin], known: [ConfigurationError] = []) {
        let sections = ConfigurationSections(plugins: plugins + [.grpc])
        let foreignSections = Self.foreignSections(of: configuration, sections)
        foreign = foreignSections.map { ($0, configuration.location(of: $0)) }
        errors = known
        var rest: Configuration? = configuration
        while let next = rest, errors.count < Self.maximumErrors,
            let error = Self.firstError(in: next, sections, foreign: foreignSections)
        {
            // A value that was left out is missed: that is no further mistake.
            if error.keyPath.map(next.isLeftOut) != true { errors.append(error) }
            rest = error.keyPath.flatMap(next.without)
        }
        errors.sort { Self.order($0) < Self.order($1) }
    }

    private static func order(_ error: ConfigurationError) -> (String, Int, Int) {
        (error.location?.origin ?? "", error.location?.line ?? 0, error.location?.column ?? 0)
    }

    /// The check with what it says of one origin only.
    func limited(to origin: String) -> ConfigurationCheck {
        var check = self
        check.errors.removeAll { $0.location.map { $0.origin != origin } ?? false }
        check.unchecked.removeAll { $0.location?.origin != origin }
        check.foreign.removeAll { $0.location?.origin != origin }
        return check
    }

    /// The sections that only the service can read: neither the App nor a linked module reads them. A variable that may be
    /// somebody else's makes no section: it is checked as a service checks it.
    private static func foreignSections(of configuration: Configuration, _ sections: ConfigurationSections) -> [String]
    {
        let known = Configuration()
        sections.register(in: known)
        return configuration.keys(at: "").filter { !known.sections.contains($0) && !configuration.mayBeForeign($0) }
    }

    private static func firstError(
        in configuration: Configuration,
        _ sections: ConfigurationSections,
        foreign: [String]
    ) -> ConfigurationError? {
        do {
            for key in foreign { configuration.claim(key) }
            try sections.check(configuration)
            return nil
        } catch let error as ConfigurationError {
            return error
        } catch {
            return ConfigurationError(message: "\(error)")
        }
    }
}
