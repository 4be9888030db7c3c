import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC

/// The mistakes of a configuration.
///
/// The sections of the kit are read as a service reads them. Only the service can read its own sections; there, the
/// placeholders are checked. A placeholder is no mistake if only its variable, its file or another layer is missing, and
/// neither is an option whose file is missing; its section is then not checked as a whole.
struct ConfigurationCheck {
    /// The most errors that are looked for.
    static let maximumErrors = 100

    private(set) var errors: [ConfigurationError] = []
    /// Why values were not checked: the texts of their placeholders, or the files that they name, are not known here.
    private(set) var unchecked: [ConfigurationError] = []
    /// Sections that the kit does not know, and those of the kit that have similar names.
    private(set) var foreign: [(name: String, location: SourceLocation?, similar: String?)] = []
    /// The sections that only services with a plugin read.
    private(set) var pluginSections: [PluginReading] = []
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
            self.init(configuration, plugins: plugins, knowing: mistakes)
            self.unchecked = unchecked + self.unchecked
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
                    layers.documents += try await source.documents().map(\.fromSource)
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
    init(_ configuration: Configuration, plugins: [Plugin], knowing mistakes: [ConfigurationError] = []) {
        let sections = ConfigurationSections(plugins: plugins + [.grpc])
        let known = Configuration()
        sections.register(in: known)
        let foreignSections = Self.foreignSections(of: configuration, known: known.sections)
        foreign = foreignSections.map { name in
            (name, configuration.location(of: name), KeySuggestion.nearest(to: name, among: known.sections.sorted()))
        }
        pluginSections = PluginReading.servers.filter { configuration.contains($0.path) }
        errors = mistakes
        var rest: Configuration? = configuration
        while let next = rest, errors.count + unchecked.count < Self.maximumErrors,
            let error = Self.firstError(in: next, sections, foreign: foreignSections)
        {
            // A value that was left out is missed: that is no further mistake.
            if error.keyPath.map(next.isLeftOut) != true {
                if error.isLocal { unchecked.append(error) } else { errors.append(error) }
            }
            rest = error.keyPath.flatMap(next.without)
        }
        errors.sort { Self.order($0) < Self.order($1) }
    }

    private static func order(_ error: ConfigurationError) -> (String, Int, Int) {
        (error.location?.origin ?? "", error.location?.line ?? 0, error.location?.column ?? 0)
    }

    /// The check with what it says of one origin only, and with the mistakes that an earlier check did not find.
    func limited(to origin: String, before: ConfigurationCheck) -> ConfigurationCheck {
        var check = self
        check.errors.removeAll { $0.location?.origin != origin && before.errors.contains($0) }
        check.unchecked.removeAll { $0.location?.origin != origin }
        check.foreign.removeAll { $0.location?.origin != origin }
        return check
    }

    /// The sections that only the service can read: neither the App nor a linked module reads them. A variable that may be
    /// somebody else's makes no section: it is checked as a service checks it. A path such as `log.level` is no section.
    private static func foreignSections(of configuration: Configuration, known: Set<String>) -> [String] {
        configuration.keys(at: "").filter { name in
            !known.contains(name) && !configuration.mayBeForeign(name)
                && KeySuggestion.nested(name, known: known) == nil
        }
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
