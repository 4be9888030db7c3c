private import ArgumentParser
private import Glibc
private import Logging
private import ServiceKitConfig
private import UnixSignals

extension App {
    /// The main of a service: reads the command line and the configuration, runs the App, and handles signals.
    ///
    /// The configuration's files are followed, and so are the sources that its section `config` names; see
    /// ``ConfigurationSources``. SIGHUP reads the files again.
    ///
    /// SIGTERM, SIGINT and SIGQUIT stop the App in order; a second signal cuts the rest of the stop short. Returns when the
    /// App has stopped in order. When it could not start or something in it failed, one line on standard error says why,
    /// and the process ends with exit code 1.
    ///
    /// With `--print-config schema` or `--print-config reference` the program prints what its configuration may have, the
    /// service's own sections included, and ends. `configure` runs for it; nothing else does.
    ///
    /// Loggers that are made from then on, the App's among them, have the backend ``QueuedLogHandler``, so that no call and
    /// no stop waits for the reader of standard error. A backend that the main has bootstrapped before stays.
    ///
    /// - Parameters:
    ///   - plugins: The registries and balancers that configuration can name beyond the embedded ones.
    ///   - arguments: The command line, by default the process's; see ``AppArguments``.
    ///   - bootstrapsLogging: Whether to see to the backend of logging. `false` is for a main that has bootstrapped
    ///     swift-log's own `StreamLogHandler` as it is: that cannot be told from no backend at all, and swift-log ends a
    ///     process that bootstraps a second one.
    ///   - configure: Adds the service's parts to the App.
    public static func run(
        plugins: [Plugin] = [],
        arguments: [String]? = nil,
        bootstrapsLogging: Bool = true,
        _ configure: @Sendable (App) async throws -> Void
    ) async {
        StandardFiles.open()
        let command = AppCommand.parseOrExit(arguments)
        if bootstrapsLogging { DefaultLogBackend.replace() }
        do {
            let local = try command.arguments.localConfiguration()
            if let form = command.printConfig {
                let app = try App(configuration: local, plugins: plugins, logger: .silent)
                try await configure(app)
                return try Self.printOut(try app.describeConfiguration(as: form))
            }
            // Named here: the App's own default would replace a `StreamLogHandler` that the main has chosen.
            let label = try local.decode(AppOptions.self, at: "app").name ?? ProcessEnvironment.programName
            let logger = Logger(label: label)
            let sources = try ConfigurationSources(plugins: plugins).make(configuration: local, logger: logger)
            let store = try command.arguments.store(sources, logger: logger)
            try await store.start()
            try LogLevels.process.follow(store)
            let app = try App(store: store, plugins: plugins, logger: logger)
            try await configure(app)
            try await app.runHandlingSignals()
        } catch {
            exitReporting(error)
        }
    }

    /// Ends the process with exit code 1 after one line on standard error. The line comes after the log lines that wait to
    /// be written. A slow reader delays the end by a second at most.
    public static func exitReporting(_ error: any Error) -> Never {
        OutputWriter.standardError.writeLast("\(ProcessEnvironment.programName): error: \(error)\n")
        exit(1)
    }

    /// Prints text. Throws `SystemError` when it cannot be written: on a full disk, for example.
    private static func printOut(_ text: String) throws(SystemError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = retrying { rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) } }
            guard count >= 0 else { throw SystemError("write", "standard output") }
            rest = rest.dropFirst(count)
        }
    }

    private func runHandlingSignals() async throws {
        let lifecycle = try makeLifecycle()
        // One sequence traps all signals from now on, so that none is lost: the second may come right after the first.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sigquit, .sighup)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for await signal in signals {
                    if signal == .sighup {
                        self.store.reload()
                    } else if lifecycle.isStopping {
                        self.logger.warning("signal while stopping; hurrying", metadata: ["signal": "\(signal)"])
                        lifecycle.force()
                    } else {
                        lifecycle.stop()
                    }
                }
            }
            try await lifecycle.run()
            tasks.cancelAll()
        }
    }
}

/// A command line of nothing but the kit's own options.
private struct AppCommand: ParsableCommand {
    static var configuration: CommandConfiguration { CommandConfiguration(commandName: ProcessEnvironment.programName) }

    @OptionGroup var arguments: AppArguments

    @Option(
        help: ArgumentHelp(
            "Prints what the configuration of this service may have, and ends: schema, the JSON Schema for editors, or "
                + "reference, a commented YAML file with every option.",
            valueName: "form"
        )
    )
    var printConfig: ConfigurationForm?
}

extension ConfigurationForm: ExpressibleByArgument {}

extension App {
    /// Describes what the App, its modules and the service read from the configuration. A section of the service is known
    /// when it has been read, or followed, before the App runs.
    private func describeConfiguration(as form: ConfigurationForm) throws -> String {
        makeTrialServers()
        return try configuration.description(as: form, of: instance.name)
    }
}
