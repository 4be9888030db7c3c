import ServiceKitConfig
import Testing

@Suite struct UnknownKeyTests {
    static let yaml = """
        app: {name: a}
        server:
          grpc: {listen: x}
          web: {listen: y}
        registry:
          backend: file
          file: {directory: d}
          etcd: {endpoints: []}
        """

    private func check(_ claims: [String], _ yaml: String = Self.yaml) -> String {
        errorText {
            let configuration = try Configuration(yaml: yaml, origin: "app.yaml")
            for claim in claims { configuration.claim(claim) }
            try configuration.checkForUnknownKeys()
        }
    }

    @Test(arguments: [
        ["app", "server", "registry"], [""], ["app.name", "server.grpc", "server.web", "registry"],
        ["app", "server.grpc.listen", "server.web", "registry.backend", "registry.file", "registry.etcd"],
    ])
    func claimedKeyIsAccepted(claims: [String]) {
        #expect(check(claims) == "no error")
    }

    @Test(arguments: [
        (["app", "servers", "registry"], "app.yaml:2:1: server: unknown key; did you mean \"servers\"?"),
        (["app", "registry"], "app.yaml:2:1: server: unknown key; known keys: app, registry"),
        (["app", "server.grpc", "registry"], "app.yaml:4:3: server.web: unknown key; known keys: grpc"),
        (
            ["app", "server.grpc", "server.wb.x", "registry"],
            "app.yaml:4:3: server.web: unknown key; did you mean \"wb\"?"
        ),
        (
            ["app", "server", "registry.backend", "registry.file"],
            "app.yaml:8:3: registry.etcd: unknown key; known keys: backend, file"
        ),
        ([], "app.yaml:1:1: app: unknown key; no keys are known here"),
        (["app.name.first"], "app.yaml:1:13: app.name: expected a mapping, found a text of 1 character"),
    ])
    func unclaimedKeyIsRefused(claims: [String], error: String) {
        #expect(check(claims) == error)
    }

    @Test func anEmptySectionIsNotUnknown() {
        #expect(check(["server.grpc"], "server:\n") == "no error")
        #expect(check([], "") == "no error")
    }

    @Test func decodingClaims() throws {
        let configuration = try Configuration(yaml: "a: 1\nb: {c: 2}\nd:\n", origin: "app.yaml")
        let copy = configuration
        _ = try configuration.decode(Int.self, at: "a")
        #expect(errorText { try copy.checkForUnknownKeys() } == "app.yaml:2:1: b: unknown key; known keys: a")
        _ = try configuration.decodeIfPresent(Int.self, at: "b.c")
        #expect(throws: ConfigurationError.self) { try copy.checkForUnknownKeys() }
        _ = try configuration.decodeIfPresent(Int.self, at: "d")
        #expect(throws: Never.self) { try copy.checkForUnknownKeys() }
    }

    @Test func lookingIsNotClaiming() throws {
        let configuration = try Configuration(yaml: "alpha: 1", origin: "app.yaml")
        _ = configuration.contains("alpha")
        _ = configuration.location(of: "alpha")
        _ = configuration.keys(at: "")
        #expect(
            errorText { try configuration.checkForUnknownKeys() }
                == "app.yaml:1:1: alpha: unknown key; no keys are known here")
    }

    @Test func variablesOfSomebodyElseAreLeftAlone() throws {
        let foreign = try layered(["KIT_SERVICE_HOST": "10.0.0.1", "KIT_PORT": "80", "KIT_SERVERS": "x"])
        foreign.claim("server")
        try foreign.checkForUnknownKeys()
        let misspelt = try layered(["KIT_SERVER_MAX_PORT": "1"])
        misspelt.claim("server")
        #expect(
            errorText { try misspelt.checkForUnknownKeys() }
                == "environment variable KIT_SERVER_MAX_PORT: server-max-port: unknown key; the variables for "
                + "server begin with KIT_SERVER__"
        )
    }

    @Test func variablesAndOverridesAreCheckedToo() throws {
        let variable = try layered(["KIT_SERVR__PORT": "1"])
        variable.claim("server")
        #expect(
            errorText { try variable.checkForUnknownKeys() }
                == "environment variable KIT_SERVR__PORT: servr: unknown key; did you mean \"server\"?"
        )
        let override = try layered([:], ["registry.bakend=etcd"])
        override.claim("registry.backend")
        #expect(
            errorText { try override.checkForUnknownKeys() }
                == "--set registry.bakend: unknown key; did you mean \"backend\"?"
        )
    }

    @Test(.timeLimit(.minutes(1)))
    func claimsMayComeFromManyTasks() async throws {
        let configuration = try Configuration(yaml: (0..<100).map { "k\($0): \($0)\n" }.joined())
        try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<100 {
                group.addTask { try configuration.decode(Int.self, at: "k\(index)") }
            }
            var sum = 0
            for try await value in group { sum += value }
            #expect(sum == 4950)
        }
        #expect(throws: Never.self) { try configuration.checkForUnknownKeys() }
    }
}
