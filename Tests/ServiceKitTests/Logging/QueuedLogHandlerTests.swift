import Foundation
import Logging
import ServiceKitTestSupport
import ServiceKitTesting
import Synchronization
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(2))) struct QueuedLogHandlerTests {
    /// The output of swift-log's own handler.
    final class Recorded: TextOutputStream, Sendable {
        private let state = Mutex("")
        var text: String { state.withLock(\.self) }
        func write(_ string: String) { state.withLock { $0 += string } }
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String { "it failed" }
    }

    /// A line without its time.
    private func rest(_ line: String) -> Substring { line.drop { $0 != " " } }

    @Test(arguments: ["", "user-service"])
    func linesEqualThoseOfStreamLogHandler(label: String) async throws {
        let provider = Logger.MetadataProvider { ["from": "provider", "both": "provider"] }
        let stalled = try StalledPipe(isFull: false)
        let (recorded, writer) = (Recorded(), OutputWriter(stalled.writer))
        for provider in [nil, provider] {
            var theirs = StreamLogHandler(label: label, stream: recorded, metadataProvider: provider)
            var ours = QueuedLogHandler(label: label, metadataProvider: provider, writer: writer)
            for metadata in [[:], ["from": "handler", "list": ["a", "b"], "map": ["k": "v"]]] as [Logger.Metadata] {
                theirs.metadata = metadata
                ours.metadata = metadata
                for explicit in [nil, ["z": "1", "a": "\(2.5)", "both": "event"]] as [Logger.Metadata?] {
                    for error in [nil, Failure()] as [(any Error)?] {
                        let event = LogEvent(
                            level: .warning, message: "a \"message\"", error: error, metadata: explicit, source: nil,
                            file: "Some/File.swift", function: "f()", line: 1
                        )
                        theirs.log(event: event)
                        ours.log(event: event)
                    }
                }
            }
        }
        writer.write("end\n")
        let ours = await stalled.read(until: "end\n").value.split(separator: "\n").dropLast()
        let theirs = recorded.text.split(separator: "\n")
        #expect(ours.count == 16)
        #expect(ours.map { rest(String($0)) } == theirs.map { rest(String($0)) })
        for line in ours { #expect(line.contains(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} warning/)) }
    }

    @Test func timeEqualsThatOfStreamLogHandler() {
        let recorded = Recorded()
        let handler = StreamLogHandler(label: "", stream: recorded, metadataProvider: nil)
        // Both times lie within one second, which may end between them.
        for _ in 0..<100 {
            let (before, count) = (LogTimestamp.now(), recorded.text.count)
            handler.log(
                event: LogEvent(
                    level: .info, message: "", metadata: nil, source: "", file: "", function: "", line: 0
                )
            )
            let theirs = recorded.text.dropFirst(count).prefix { $0 != " " }
            if LogTimestamp.now() == before {
                #expect(theirs == before)
                return
            }
        }
        Issue.record("no two lines within one second")
    }

    @Test func levelAndMetadataAreValues() {
        var first = Logger(label: "first") { QueuedLogHandler.standardError(label: $0) }
        first.logLevel = .debug
        first[metadataKey: "only-on"] = "first"
        var second = first
        second.logLevel = .error
        second[metadataKey: "only-on"] = "second"
        #expect(first.logLevel == .debug)
        #expect(first[metadataKey: "only-on"] == "first")
        #expect(second.logLevel == .error)
        #expect(second[metadataKey: "only-on"] == "second")
    }
}

/// Each test runs in a process of its own: a process bootstraps a backend once.
@Suite(.timeLimit(.minutes(2))) struct DefaultLogBackendTests {
    @Test func defaultHandlerIsReplaced() async {
        await #expect(processExitsWith: .success) {
            DefaultLogBackend.replace()
            DefaultLogBackend.replace()
            #expect(Logger(label: "user").backend is QueuedLogHandler)
            let app = try App(environment: [:])
            #expect(app.logger.backend is QueuedLogHandler)
        }
    }

    @Test func appRunByAnotherMainUsesTheQueuedLogHandler() async {
        await #expect(processExitsWith: .success) {
            let app = try App(environment: [:])
            #expect(app.logger.backend is QueuedLogHandler)
            #expect(Logger(label: "user").handler is StreamLogHandler)
        }
    }

    @Test func bootstrappedBackendIsKept() async {
        await #expect(processExitsWith: .success) {
            LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() }
            DefaultLogBackend.replace()
            #expect(Logger(label: "user").handler is SwiftLogNoOpLogHandler)
            let app = try App(environment: [:])
            #expect(app.logger.backend is SwiftLogNoOpLogHandler)
        }
    }

    @Test func streamLogHandlerWithAProviderIsKept() async {
        await #expect(processExitsWith: .success) {
            LoggingSystem.bootstrap(
                StreamLogHandler.standardOutput, metadataProvider: Logger.MetadataProvider { ["a": "b"] }
            )
            DefaultLogBackend.replace()
            #expect(Logger(label: "user").handler is StreamLogHandler)
        }
    }

    @Test func waitingLinesAreWrittenAtExit() async throws {
        let result = try await #require(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            DefaultLogBackend.replace()
            let logger = Logger(label: "user")
            // As many lines as the pipe takes at once: the test reads them, and may be slow.
            for number in 0..<500 { logger.info("line \(number).") }
            App.exitReporting(AppError("no more"))
        }
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(text.contains("line 499.\n"))
        #expect(text.contains(": error: no more\n"))
        let last = text.ranges(of: "line 499.").last
        let error = text.ranges(of: ": error: no more").last
        #expect(try #require(last).lowerBound < #require(error).lowerBound)
    }
}

extension Logger {
    /// The backend inside of that which sets the level.
    fileprivate var backend: (any LogHandler)? {
        let base = (handler as? LeveledLogHandler)?.base
        return (base as? LeveledLogHandler)?.base ?? base
    }
}
