import Foundation
import ServiceKit
import ServiceKitTestSupport
import Testing

/// The choice of an instance by lane, zone and weight: the sample servers, `kit` and the sample client as processes.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ChoiceTests {
    /// Runs `kit` until it ends.
    private func kit(_ arguments: [String], _ fleet: Fleet, code: Int32 = 0) async throws -> String {
        let kit = try await RunningProgram.run(
            Executable.kit, arguments + fleet.settings.flatMap { ["--set", $0] })
        #expect(kit.exit == .exited(code), "\(arguments): \(kit.errors)")
        return kit.output
    }

    private func stop(_ servers: [RunningProgram]) async throws {
        for server in servers { server.signal(SIGTERM) }
        for server in servers { #expect(try await server.waitForExit() == .exited(0)) }
    }

    /// The cells of a column of `kit registry list`, by the instances' ids.
    private func column(_ name: String, _ fleet: Fleet) async throws -> [String: String] {
        let lines = try await kit(["registry", "list", "user-service"], fleet).split(separator: "\n").map {
            $0.split(separator: " ").map(String.init)
        }
        let header = try #require(lines.first)
        let place = try #require(header.firstIndex(of: name), "\(header)")
        return Dictionary(uniqueKeysWithValues: lines.dropFirst().map { ($0[0], $0[place]) })
    }

    /// Each server keeps its own users, so a user shows which server was called.
    @Test func aLaneServesItsCallsAndTheBaseLaneThoseOfAnEmptyLane() async throws {
        try await Fleet.with { fleet in
            let servers = [
                try await fleet.start("base"), try await fleet.start("test", settings: ["app.metadata.lane=blue"]),
            ]
            #expect(try await column("LANE", fleet) == ["base": "-", "test": "blue"])
            let create = ["call", "user-service/CreateUser", "-d", #"{"name": "Blue"}"#, "--lane", "blue"]
            #expect(try await kit(create, fleet).contains(#""id": "4""#))
            let get = ["call", "user-service/GetUser", "-d", #"{"id": 4}"#]
            for _ in 0..<3 {
                #expect(try await kit(get + ["--lane", "blue"], fleet).contains("Blue"))
                // The base lane serves, and has no such user.
                _ = try await kit(get + ["--lane", "green"], fleet, code: 1)
                _ = try await kit(get + ["--set", "client.lanes.enabled=true"], fleet, code: 1)
            }
            try await stop(servers)
        }
    }

    @Test func aZoneIsPreferredUntilItIsGone() async throws {
        try await Fleet.with { fleet in
            let near = try await fleet.start("near", settings: ["app.metadata.zone=eu"])
            let far = try await fleet.start("far", settings: ["app.metadata.zone=us"])
            #expect(try await column("ZONE", fleet) == ["near": "eu", "far": "us"])
            let create = ["call", "user-service/CreateUser", "-d", #"{"name": "Ann"}"#, "--zone", "eu"]
            for id in 4...6 { #expect(try await kit(create, fleet).contains(#""id": "\#(id)""#)) }
            try await stop([near])
            try await fleet.waitUntilGone("near")
            #expect(try await kit(create, fleet).contains(#""id": "4""#))
            try await stop([far])
        }
    }

    @Test func aWeightSharesTheTraffic() async throws {
        try await Fleet.with { fleet in
            let servers = [try await fleet.start("heavy"), try await fleet.start("light")]
            _ = try await kit(["registry", "weight", "light", "25"], fleet)
            _ = await fleet.instances.first { $0["light"]?.weight == 25 }
            #expect(try await column("WEIGHT", fleet) == ["heavy": "100", "light": "25"])
            let client = try RunningProgram.userClient(
                registry: fleet.directory.path,
                ["--count", "500", "--json", "--set", "client.balancer=weighted_round_robin"])
            #expect(try await client.waitForExit() == .exited(0))
            struct Summary: Decodable { var instances: [String: Int] }
            let line = try #require(client.output.split(separator: "\n").last)
            let calls = try JSONDecoder().decode(Summary.self, from: Data(line.utf8)).instances
            // All but the calls before the second connection was ready are shared four to one.
            #expect(calls.values.reduce(0, +) == 500)
            let light = try #require(calls["light"])
            #expect((60...160).contains(light), "\(calls)")
            try await stop(servers)
        }
    }
}
