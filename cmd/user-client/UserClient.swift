import ArgumentParser
import GRPCCore
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitEtcd
import ServiceKitGRPC
import ServiceKitSampleAPI
import SwiftProtobuf
import UnixSignals

/// The sample client: calls the sample service by its name, and prints the results.
@main struct UserClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "servicekit-user-client",
        abstract: "Calls GetUser of user-service through the registry.",
        discussion: """
            servicekit-user-client --count 1000 --concurrency 8
            servicekit-user-client --duration 10s --rate 200 --follow
            servicekit-user-client --header x-md-global-lane=blue --header x-md-global-priority=sheddable

            It ends when all calls are made, at the end of --duration, or on ctrl-C or SIGTERM. Then it prints a summary. \
            It cancels the calls that have not ended, and counts them as open: neither failed nor answered.

            Exit code: 0, or 1 when a call failed or none was answered.
            """
    )

    @Option(help: "The number of calls. Default: 10 without --duration. client.timeouts limits each call.")
    var count: Int?

    @Option(help: "The time for which calls are made, such as 10s. With --count, the first to end counts.")
    var duration: DurationArgument?

    @Option(help: "The number of calls in flight at once.")
    var concurrency = 1

    @Option(
        help:
            "The number of calls in a second. Default: as many as possible. Latencies count from the time a call is due."
    )
    var rate: Double?

    @Option(
        name: [.long, .customShort("H")],
        help: ArgumentHelp(
            "A header of each call, such as x-md-global-lane=blue. May be given several times.", valueName: "name=value"
        )
    )
    var header: [HeaderArgument] = []

    @Flag(help: "Print the instances that join and leave, and once a second the number of calls to each.")
    var follow = false

    @Flag(help: "Print the summary as one line of JSON.")
    var json = false

    @OptionGroup var arguments: AppArguments

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be at least 1") }
        if !(1...100_000).contains(concurrency) { throw ValidationError("--concurrency must be from 1 to 100000") }
        if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate must be more than 0") }
    }

    static func main() async {
        StandardFiles.open()
        LoggingSystem.bootstrap(QueuedLogHandler.standardError)
        await main(nil)
    }

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let summary: Summary
        do {
            summary = try await makeCalls {
                for await _ in signals { return }
            }
        } catch {
            App.exitReporting(error)
        }
        // After the lines of --follow. Waits for the reader only up to the time limit for the end of a process.
        OutputWriter.standardOutput.writeLast((json ? summary.json : summary.text) + "\n")
        if summary.isFailure { throw ExitCode.failure }
    }

    private func makeCalls(interruption: @escaping @Sendable () async -> Void) async throws -> Summary {
        let configuration = try arguments.configuration()
        var logger = Logger(label: "user-client")
        logger.logLevel = try configuration.decodeIfPresent(LogOptions.self, at: "log")?.level ?? .error
        let registry = try RegistryBackends(plugins: [.etcd]).make(configuration: configuration, logger: logger)
        let discovery = Discovery(registry)
        let counter = InstanceCounter()
        let channel = try ServiceChannel(
            to: "user-service",
            configuration: configuration,
            discoverer: discovery,
            middleware: [counter],
            logger: logger
        )
        try configuration.checkForUnknownKeys()
        let load = Load(
            count: count ?? (duration == nil ? 10 : nil),
            duration: duration?.value,
            concurrency: concurrency,
            rate: rate,
            metadata: header.reduce(into: [:]) { $0.addString($1.value, forKey: $1.name) }
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await registry.run() }
            if follow { group.addTask { await Follower(discovery: discovery, counter: counter).run() } }
            // The reason of an outage of the registry: calls may wait for an instance because of it.
            let outage = Watched<String?>(nil)
            group.addTask {
                for await snapshot in discovery.watch("user-service") {
                    if case .stale(_, let cause) = snapshot.state { outage.set(cause) } else { outage.set(nil) }
                }
            }
            var summary = try await channel.withConnections {
                await load.run(User_V1_UserService.Stub(channel), counter: counter, interruption: interruption)
            }
            summary.outage = outage.value
            group.cancelAll()
            return summary
        }
    }
}
