import Foundation
import ServiceKitTesting
import Testing

/// The demonstrations of the examples, with whole processes.
@Suite(.timeLimit(.minutes(3))) struct DemoTests {
    @Test func clientCallsTheSmallestService() async throws {
        let lines = try await Demo.run("hello")
        let expected = [
            "==> a service", "==> a client calls it by its name", "Hello, Ada!", "==> stopped in order",
        ]
        #expect(lines == expected)
    }

    @Test func lanesTravelOn() async throws {
        let lines = try await Demo.run("lanes")
        let expected = [
            "==> a shop, and the prices of the main line and of branch-7",
            "no lane: tea for 3 euros, by shop-1 and prices-1",
            "branch-7: tea for 3 euros, by shop-1 and prices-of-branch",
            "==> the instance of the branch goes; the main line serves its lane",
            "branch-7: tea for 3 euros, by shop-1 and prices-1",
        ]
        #expect(lines == expected)
    }

    @Test(.enabled(if: Demo.hasProgram("curl"), "curl is not installed"))
    func pageCallsTheService() async throws {
        var expected = [
            "==> a guest book, signed by Connect",
            #"{"name":"Ada","text":"hello"}"#,
            "==> its stream, as server-sent events",
            #"data: {"name":"Ada","text":"hello"}"#,
        ]
        if Demo.hasProgram("chromium"), Demo.hasProgram("chromedriver") {
            expected += ["==> the page in a browser, signed once more", "Grace was here, Ada hello"]
        }
        let lines = try await Demo.run("browser")
        #expect(lines == expected)
    }

    @Test(.enabled(if: EtcdServer.isAvailable(), "etcd is not installed"))
    func anotherInstanceTakesOver() async throws {
        let lines = try await Demo.run("leader")
        #expect(
            lines.prefix(5) == [
                "==> two instances, of which one leads",
                "node-1: waits to be elected", "node-1: leads", "node-1: counts 1", "node-1: counts 2",
            ])
        try #require(lines.count == 12)
        #expect(lines[5] == "node-2: waits to be elected")
        #expect(lines[7] == "node-2: leads")
        // The count goes on where the killed leader stopped. Its last write may have come to etcd without its word.
        let last = try #require(Int(lines[8].drop { !$0.isNumber }))
        #expect(["node-2: counts \(last + 1)", "node-2: counts \(last + 2)"].contains(lines[9]))
        #expect(lines[11] == "node-2: stopped")
    }
}
