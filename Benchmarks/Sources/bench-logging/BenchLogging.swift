import ArgumentParser
import BenchmarkSupport
import Foundation
import GRPCCore
import Histogram
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import Synchronization

/// Measures calls while a storm of log lines fills a pipe that is read slowly: the time of calls without the storm and
/// with it, whether the dropped lines are counted right, and the cost of a line for the code that logs it.
@main
struct BenchLogging: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-logging")

    @Option(help: "How many seconds each part takes.")
    var seconds = 10.0

    @Option(help: "How many lines are logged a second, besides one for each call.")
    var lines = 100_000

    @Option(help: "How many calls are in flight.")
    var callers = 64

    @Option(help: "How many calls are made a second, all together; by default as many as possible.")
    var rate: Double?

    @Option(help: "How many bytes of the log are read a second during the storm.")
    var readRate = 1_000_000

    func run() async throws {
        let log = try LogPipe()
        let load = CallRun(callers: callers, rate: rate, duration: .seconds(seconds))
        LoggingSystem.bootstrap(QueuedLogHandler.standardError)

        let app = try App(
            configuration: Configuration(
                yaml: """
                    app: { name: benchmark }
                    server: { grpc: { listen: "127.0.0.1:0" } }
                    shutdown: { lame-duck: 0s }
                    """,
                origin: "bench-logging"
            ),
            registry: MemoryRegistry()
        )
        app.serve(EchoService())
        let client = try app.channel("benchmark").client
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await app.run() }
            _ = await app.health.first { $0 == .serving }
            let warmUp = try await load.run(client, for: .seconds(1))

            let calm = try await load.run(client)
            print("without a storm   \(calm)")

            let before = warmUp.calls + calm.calls
            await log.wait(for: before)
            log.read(bytesPerSecond: readRate)
            let logger = Logger(label: "storm")
            let storm = Storm(logger: logger, linesPerSecond: lines)
            let stormy = try await load.run(client)
            let stormLines = storm.stop()
            log.read(bytesPerSecond: nil)
            print("in the storm      \(stormy)")
            print("p99, storm ÷ calm \((stormy.p99 / calm.p99 * 100).rounded() / 100)")
            let logged = before + stormy.calls + stormLines
            await log.wait(for: logged)
            // There must not be more lines, either.
            try await Task.sleep(for: .milliseconds(200))
            let counts = log.counts
            print("lines logged      \(logged)")
            print("written, dropped  \(counts.lines) + \(counts.dropped) = \(counts.logged)")
            if counts.logged != logged { throw ExitCode.failure }
            group.cancelAll()
        }
        Cost.measure()
    }
}

private struct EchoService: RegistrableRPCService {
    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: BenchmarkMethod.echo,
            deserializer: RawBytesDeserializer(),
            serializer: RawBytesSerializer()
        ) { request, _ in
            let request = try await ServerRequest(stream: request)
            return StreamingServerResponse(single: ServerResponse(message: request.message))
        }
    }
}

/// Logs a given number of lines a second, in a thread of its own.
private final class Storm: Sendable {
    private struct State {
        var isOver = false
        var count: Int?
    }

    private let state = Mutex(State())

    init(logger: Logger, linesPerSecond: Int) {
        Thread.detachNewThread { [self] in
            let start = ContinuousClock.now
            var count = 0
            while !state.withLock(\.isOver) {
                let due = Int((ContinuousClock.now - start) / .seconds(1) * Double(linesPerSecond))
                while count < due {
                    logger.info("a line of the storm", metadata: ["number": "\(count)", "kind": "storm"])
                    count += 1
                }
                // The storm has a thread of its own: it sleeps between its gusts and blocks no task.
                usleep(1000)
            }
            state.withLock { $0.count = count }
        }
    }

    /// - Returns: The number of lines that it has logged.
    func stop() -> Int {
        state.withLock { $0.isOver = true }
        while true {
            if let count = state.withLock(\.count) { return count }
            // The measurement is over: blocking for a moment disturbs nothing.
            usleep(1000)
        }
    }
}
