private import ArgumentParser
#if canImport(Glibc)
private import Glibc
#else
private import Darwin
#endif
private import Logging
private import UnixSignals

extension App {
    /// The main of a service: reads the command line and the configuration, runs the App, and handles signals.
    ///
    /// SIGTERM, SIGINT and SIGQUIT stop the App in order; a second one cuts short what is left of it. Returns when the
    /// App has stopped in order. When it could not start or something in it failed, one line on standard error says why,
    /// and the process ends with exit code 1.
    ///
    /// - Parameters:
    ///   - plugins: The registries and balancers that configuration can name beyond the embedded ones.
    ///   - arguments: The command line, by default the process's; see ``AppArguments``.
    ///   - configure: Says what the service consists of.
    public static func run(
        plugins: [Plugin] = [],
        arguments: [String]? = nil,
        _ configure: @Sendable (App) async throws -> Void
    ) async {
        let command = AppCommand.parseOrExit(arguments)
        do {
            let app = try App(configuration: command.arguments.configuration(), plugins: plugins)
            try await configure(app)
            try await app.runHandlingSignals()
        } catch {
            exitReporting(error)
        }
    }

    /// Ends the process with exit code 1 after one line on standard error.
    public static func exitReporting(_ error: any Error) -> Never {
        let line = Array("\(ProcessEnvironment.programName): error: \(error)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        exit(1)
    }

    private func runHandlingSignals() async throws {
        let lifecycle = try makeLifecycle()
        // Trapped from now on, by one and the same, so that none is lost: the second may come right after the first.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sigquit)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for await signal in signals {
                    if lifecycle.isStopping {
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
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: ProcessEnvironment.programName)
    }

    @OptionGroup var arguments: AppArguments
}
