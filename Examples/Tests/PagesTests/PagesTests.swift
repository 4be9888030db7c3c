import Foundation
import Hummingbird
import ServiceKit
import ServiceKitConfig
import ServiceKitHTTP
import ServiceKitHummingbird
import Testing

@testable import pages

/// The routes of a Hummingbird router in an App.
@Suite(.timeLimit(.minutes(1))) struct PagesTests {
    private func withPages(_ body: (_ port: Int) async throws -> Void) async throws {
        let app = try App(
            configuration: Configuration(yaml: "app: {name: pages}\nshutdown: {lame-duck: 0}\n"),
            plugins: [.http], registry: MemoryRegistry(), environment: [:])
        app.mount(makePages())
        app.http.get("/own") { _ in RouteResponse(text: "the App's\n") }
        let (started, start) = AsyncStream<Void>.makeStream()
        app.afterStart { start.finish() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await app.run() }
            for await _ in started {}
            let endpoints = app.snapshot().servers.flatMap(\.endpoints)
            try await body(try #require(endpoints.first { $0.scheme == "http" }).port)
            group.cancelAll()
        }
    }

    private func curl(_ arguments: [String]) async throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["curl", "--silent", "--max-time", "20", "--write-out", " %{http_code}"] + arguments
        process.standardOutput = output
        return try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Result {
                        try process.run()
                        let data = try output.fileHandleForReading.readToEnd() ?? Data()
                        process.waitUntilExit()
                        return String(decoding: data, as: UTF8.self)
                    })
            }.start()
        }
    }

    @Test func routerAnswersThePathsThatTheAppDoesNot() async throws {
        try await withPages { port in
            let url = "http://127.0.0.1:\(port)"
            let text = String(repeating: "x", count: 100_000)
            for (arguments, answer) in [
                (["\(url)/hello/Ada"], "Hello, Ada\n 200"),
                (["--http2-prior-knowledge", "\(url)/hello/Ada"], "Hello, Ada\n 200"),
                (["\(url)/own"], "the App's\n 200"),
                (["\(url)/livez"], "ok\n 200"),
                (["\(url)/echo", "--data-binary", text], text + " 201"),
            ] {
                let output = try await curl(arguments)
                #expect(output == answer)
            }
            for (arguments, end) in [
                (["\(url)/nothing"], " 404"), (["\(url)/forbidden"], "\"not here\"}} 403"),
            ] {
                let output = try await curl(arguments)
                #expect(output.hasSuffix(end), "\(output)")
            }
        }
    }
}
