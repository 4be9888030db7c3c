import Foundation
import HTTPTypes
import ServiceKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP

/// Calls of pages in a real browser.
@Suite(.timeLimit(.minutes(4)))
struct BrowserTests {
    /// A Python with the package httpx; `make test` names it.
    private static let python = ProcessInfo.processInfo.environment["KIT_TEST_PYTHON"]
    private static let driver = RunningProgram.path(of: "chromedriver")

    private struct Results: Decodable {
        struct Page: Decodable {
            let names: [String]
            let shown: Int
            let text: String
        }

        /// By call, as text: of a page of the server, and of one of another origin.
        let own: [String: JSONText]
        let other: [String: JSONText]
        let openapi: Page
    }

    /// A value of JSON, written in one way.
    private enum JSONText: Decodable, Hashable, CustomStringConvertible {
        case number(Int)
        case flag(Bool)
        case text(String)
        case list([JSONText])

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let flag = try? value.decode(Bool.self) {
                self = .flag(flag)
            } else if let number = try? value.decode(Int.self) {
                self = .number(number)
            } else if let text = try? value.decode(String.self) {
                self = .text(text)
            } else {
                self = .list(try value.decode([JSONText].self))
            }
        }

        var description: String {
            switch self {
            case .number(let number): "\(number)"
            case .flag(let flag): "\(flag)"
            case .text(let text): text
            case .list(let values): values.map(\.description).joined(separator: " ")
            }
        }
    }

    private static let answers = [
        "rest get": "200 Ada", "rest post": "200 Eva", "rest error": "404 USER_NOT_FOUND", "own route": "own",
        "preflight": "200", "refused preflight": "failed: TypeError", "refused response": "failed: TypeError",
        "event source": "1 2 3", "web socket": "1 2 3 1000 true", "refused web socket": "1006",
        "grpc-web": "200 true grpc-status: 0", "grpc-web error": "200 false grpc-status: 5",
        "connect json": "200 Ada", "connect binary": "200 true", "connect error": "404 not_found",
        "connect stream": "1 2 3 {}", "connect stream that goes on": "1",
    ]

    @Test(.enabled(if: python != nil && driver != nil, "KIT_TEST_PYTHON is not set, or there is no chromedriver"))
    func pagesCall() async throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Python/browser.py")
        let (python, driver) = (try #require(Self.python), try #require(Self.driver))
        try await HTTPTestServer.with(
            "server: {http: {cors: {origins: ['*']}}}\n",
            extend: { app in
                #expect(throws: Never.self) { try TalkService().serve(on: app) }
                app.http.get("/own") { _ in RouteResponse(text: "own") }
                app.http.get("/page") { _ in
                    RouteResponse(
                        headers: [.contentType: "text/html"],
                        body: .bytes(Array("<!DOCTYPE html><title>Page</title>".utf8)))
                }
            }
        ) { server in
            try await HTTPTestServer.with { closed in
                let result = try await RunningProgram.run(
                    // The other tests come first.
                    "/bin/sh",
                    [
                        "-c", #"exec nice -n 19 "$0" "$@""#, python, script.path(percentEncoded: false), driver,
                        "\(server.port)", "\(closed.port)",
                    ])
                try #require(result.exit == .exited(0), "\(result.output)\(result.errors)")
                let results = try JSONDecoder().decode(Results.self, from: Data(result.output.utf8))
                for calls in [results.own, results.other] { #expect(calls.mapValues(\.description) == Self.answers) }
                // A refused preflight keeps the call from the server.
                #expect(closed.users.created.value.isEmpty)
                #expect(server.users.created.value == ["Eva", "Eva"])
                // The page that goes away ends its call.
                try await eventually { server.users.cancelled.value == 2 && server.users.running.value == 0 }
                #expect(results.openapi.names.contains { $0.hasPrefix("GET/v1/users/{id}One user") })
                #expect(results.openapi.shown == 1)
                #expect(results.openapi.text.hasPrefix("GET /v1/users/2\n200"))
                #expect(results.openapi.text.contains(#""name": "Ada""#))
            }
        }
    }
}
