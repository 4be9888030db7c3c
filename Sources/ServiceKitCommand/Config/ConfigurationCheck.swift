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
        self.init(file: file, plugins: plugins, documents: [])
    }

    /// Reads a file, and over it the documents of the sources that it names. A source that is away is a note.
    init(file: String, plugins: [Plugin], readsSources: Bool) async {
        self.init(file: file, plugins: plugins)
        var documents: [ConfigurationDocument] = []
        var notes: [ConfigurationError] = []
        for source in readsSources ? Self.sources(of: file, plugins) : [] {
            do {
                documents += try await source.documents()
            } catch {
                notes.append(ConfigurationError(message: "\(error)"))
            }
        }
        if !documents.isEmpty { self.init(file: file, plugins: plugins, documents: documents) }
        unchecked += notes
    }

    /// The sources that a file names, if it names them without a mistake.
    private static func sources(of file: String, _ plugins: [Plugin]) -> [any ConfigurationSource] {
        guard let documents = try? ConfigurationFile.documents(at: [file]),
            let (configuration, _, _) = try? LayerStack(documents: documents)
                .mergedForCheck(variables: ProcessEnvironment.current)
        else { return [] }
        return (try? ConfigurationSources(plugins: plugins).make(configuration: configuration, logger: .silent)) ?? []
    }

    private init(file: String, plugins: [Plugin], documents: [ConfigurationDocument]) {
        do throws(ConfigurationError) {
            let variables = ProcessEnvironment.current
            let document = ConfigurationDocument(origin: file, bytes: try ConfigurationFile.contents(of: file))
            let (configuration, mistakes, unchecked) = try LayerStack(documents: [document] + documents)
                .mergedForCheck(variables: variables)
            self.init(configuration, plugins: plugins, known: mistakes)
            self.unchecked = unchecked
        } catch {
            self.init(Configuration(), plugins: plugins, known: [error])
        }
    }

    /// Looks for all mistakes beside the known ones: leaves out each value with a mistake, and checks the rest again.
    init(_ configuration: Configuration, plugins: [Plugin], known: [ConfigurationError] = []) {
        let sections = ConfigurationSections(plugins: plugins + [.grpc])
        let foreignSections = Self.foreignSections(of: configuration, sections)
        foreign = foreignSections.map { ($0, configuration.location(of: $0)) }
        errors = known
        var rest: Configuration? = configuration
        for error in known { rest = error.keyPath.flatMap { rest?.without($0) } ?? rest }
        while let next = rest, errors.count < Self.maximumErrors,
            let error = Self.firstError(in: next, sections, foreign: foreignSections)
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
