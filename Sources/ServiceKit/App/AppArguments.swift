public import ArgumentParser
internal import FoundationEssentials
public import Logging
public import ServiceKitConfig

/// The options that every program of the kit takes: `--config FILE`, `--profile NAME` and `--set path=value`.
///
/// A program with options of its own adds these by `@OptionGroup`: hence the public import of ArgumentParser.
public struct AppArguments: ParsableArguments, Sendable {
    /// The file read when there is no `--config` and no `KIT_CONFIG`, if it exists.
    package static let defaultFile = "config/config.yaml"

    /// The configuration file.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The YAML configuration file; without it the file that KIT_CONFIG names, else \(defaultFile) if there is one.",
            valueName: "file"
        )
    )
    public var config: String?

    /// The profile, whose file is read over the configuration file.
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Reads a second file over the first: with production, config.production.yaml beside config.yaml; without it the "
                + "profile that KIT_PROFILE names.",
            valueName: "name"
        )
    )
    public var profile: String?

    /// Values set on the command line.
    @Option(
        name: .long,
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Sets one value, in YAML: --set server.listen=0.0.0.0:9000", valueName: "path=value")
    )
    public var set: [String] = []

    /// Creates the arguments for ArgumentParser, which sets them. They can be read only then.
    public init() {}

    /// Reads the configuration that the arguments name, with the environment over it.
    ///
    /// - Throws: `ConfigurationError`.
    public func configuration(
        environment: [String: String] = ProcessEnvironment.current
    ) throws(ConfigurationError) -> Configuration {
        try layers(environment: environment).merged()
    }

    /// Reads the configuration like ``configuration(environment:)``, with the documents of other sources over the files.
    /// Throws `ConfigurationError`.
    package func configuration(
        adding documents: [ConfigurationDocument],
        environment: [String: String] = ProcessEnvironment.current
    ) throws(ConfigurationError) -> Configuration {
        var layers = try layers(environment: environment)
        layers.documents += documents
        return try layers.merged()
    }

    /// The layers that the arguments name: the files, the environment and `--set`. Throws `ConfigurationError` when a file
    /// cannot be read.
    package func layers(
        environment: [String: String] = ProcessEnvironment.current
    ) throws(ConfigurationError) -> LayerStack {
        LayerStack(
            documents: try ConfigurationFile.documents(at: files(environment)), environment: environment, overrides: set
        )
    }

    /// The arguments that read a file in the place of `--config`. The file of a profile, such as `config.production.yaml`, is
    /// read over the file that it belongs to, if that lies beside it.
    package func reading(_ file: String) -> AppArguments {
        var arguments = self
        arguments.config = file
        let directory = file.prefix(upTo: file.lastIndex(of: "/").map(file.index(after:)) ?? file.startIndex)
        let parts = file.dropFirst(directory.count).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 2, let end = parts.last else { return arguments }
        let base = "\(directory)\(parts.dropLast(2).joined(separator: ".")).\(end)"
        guard FileManager.default.fileExists(atPath: base) else { return arguments }
        arguments.config = base
        arguments.profile = String(parts[parts.count - 2])
        return arguments
    }

    /// The files of the arguments, merged as they are written: without variables, `--set` and the replacement of
    /// placeholders. Throws `ConfigurationError`.
    package func written(
        environment: [String: String] = ProcessEnvironment.current
    ) throws(ConfigurationError) -> Configuration {
        try LayerStack(documents: layers(environment: environment).documents).written()
    }

    /// The configuration without the sources that it names, to make these. A value is left out if it names one that may
    /// come from such a source.
    ///
    /// - Parameter environment: The environment variables, by default the process's.
    /// - Returns: The configuration of the files, the environment and `--set`.
    /// - Throws: `ConfigurationError`; also for a value of `config` or `registry` that would be left out.
    public func localConfiguration(
        environment: [String: String] = ProcessEnvironment.current
    ) throws(ConfigurationError) -> Configuration {
        let (configuration, mistakes, leftOut) = try layers(environment: environment)
            .mergedForCheck(variables: environment)
        let needed = leftOut.filter { error in
            ["config", "registry"].contains(error.keyPath?.prefix { $0 != "." })
        }
        if let error = mistakes.first ?? needed.first { throw error }
        return configuration
    }

    /// A store of the configuration that the arguments name: it follows the changes of the files and of other sources.
    ///
    /// - Parameters:
    ///   - sources: The sources between the files and the environment, as ``ConfigurationSources`` makes them.
    ///   - environment: The environment variables, by default the process's.
    ///   - logger: Where to log changes and refusals.
    /// - Returns: The store. Call ``ConfigurationStore/start()`` on it.
    /// - Throws: `ConfigurationError` when the profile is not a name.
    public func store(
        _ sources: [any ConfigurationSource] = [],
        environment: [String: String] = ProcessEnvironment.current,
        logger: Logger
    ) throws(ConfigurationError) -> ConfigurationStore {
        let files = try files(environment)
        return ConfigurationStore(
            sources: (files.isEmpty ? [] : [FileSource(files)]) + sources,
            environment: environment,
            overrides: set,
            logger: logger
        )
    }

    /// The files that the arguments name, in the order in which they are merged.
    private func files(_ environment: [String: String]) throws(ConfigurationError) -> [String] {
        var files: [String] = []
        if let config {
            files = [config]
        } else if let file = environment["KIT_CONFIG"], !file.isEmpty {
            files = [file]
        } else if FileManager.default.fileExists(atPath: Self.defaultFile) {
            files = [Self.defaultFile]
        }
        if let profile = profile ?? environment["KIT_PROFILE"], !profile.isEmpty {
            files.append(try Self.file(of: profile, beside: files.first ?? Self.defaultFile))
        }
        return files
    }

    /// The file of a profile: `config.production.yaml` beside `config.yaml`.
    private static func file(of profile: String, beside file: String) throws(ConfigurationError) -> String {
        guard !profile.contains("/") else {
            throw ConfigurationError(
                message: "the profile \"\(profile)\" is no name; write --profile production for config.production.yaml"
            )
        }
        let name = file.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "\(file).\(profile)" }
        return file.dropLast(name.count) + name[..<dot] + ".\(profile)" + name[dot...]
    }
}

/// A duration on the command line, in the configuration's notation: `500ms`. It is more than zero.
package struct DurationArgument: ExpressibleByArgument, Sendable {
    package let value: Duration
    /// The duration's text in help texts.
    package let defaultValueDescription: String

    /// A default of whole seconds.
    package init(seconds: Int) {
        value = .seconds(seconds)
        defaultValueDescription = "\(seconds)s"
    }

    /// Reads a duration; `nil` when the text is none, or not more than zero.
    package init?(argument: String) {
        guard let value = Duration(configurationText: argument), value > .zero else { return nil }
        self.value = value
        defaultValueDescription = argument
    }
}
