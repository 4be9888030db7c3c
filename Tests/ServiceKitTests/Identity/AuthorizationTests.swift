import ServiceKitConfig
import ServiceKitTesting
import Testing

@testable import ServiceKit

@Suite struct AuthorizationTests {
    private static func authorization(_ yaml: String) throws -> Authorization {
        Authorization(
            try Configuration(yaml: "server: {authorization: \(yaml)}")
                .decode(Authorization.Options.self, at: "server.authorization"))
    }

    private static func isServed(
        _ authorization: Authorization, _ operation: String = "/a.B/C", _ identity: Identity? = nil
    ) -> Bool {
        var call = Call.served(operation)
        call.identity = identity
        do {
            try authorization.beginServing(&call)
            return true
        } catch {
            #expect(ServiceError(error)?.code == .forbidden && ServiceError(error)?.reason == "PERMISSION_DENIED")
            return false
        }
    }

    @Test func defaultDecidesWhereNoRuleMatches() throws {
        #expect(Self.isServed(try Self.authorization("{}")))
        #expect(!Self.isServed(try Self.authorization("{default: deny}")))
        #expect(!Self.isServed(try Self.authorization("{rules: [{methods: [/x.Y/]}]}")))
        #expect(Self.isServed(try Self.authorization("{default: allow, rules: [{methods: [/x.Y/]}]}")))
    }

    @Test func firstRuleThatMatchesDecides() throws {
        let rules = try Self.authorization(
            """
            {rules: [{effect: deny, subjects: [mallory]}, {methods: [/a.B/Delete], roles: [admin, owner]}, \
            {effect: deny, methods: [/a.B/Delete]}, {methods: [/a.B/]}]}
            """)
        #expect(!Self.isServed(rules, "/a.B/C", Identity(subject: "mallory", roles: ["admin"])))
        #expect(Self.isServed(rules, "/a.B/Delete", Identity(subject: "alice", roles: ["owner"])))
        #expect(!Self.isServed(rules, "/a.B/Delete", Identity(subject: "alice", roles: ["reader"])))
        #expect(Self.isServed(rules, "/a.B/C"))
        #expect(!Self.isServed(rules, "/a.Bx/C"))
    }

    @Test(arguments: [
        ("{methods: [/a.B/C]}", true), ("{methods: [/a.*]}", true), ("{methods: ['*']}", true),
        ("{methods: [/a.B/D]}", false),
        ("{authenticated: true}", true), ("{authenticated: false}", false), ("{subjects: ['spiffe://x/*']}", true),
        ("{subjects: ['spiffe://x']}", false), ("{issuers: [i, j]}", true), ("{issuers: [k]}", false),
        ("{claims: {tenant: [acme]}}", true), ("{claims: {tenant: [other]}}", false),
        ("{claims: {tenant: [acme], level: ['7']}}", true), ("{claims: {tenant: [acme], none: [a]}}", false),
        ("{claims: {'org.units': [b]}}", true), ("{roles: [a], subjects: ['*']}", true), ("{roles: [b]}", false),
    ])
    func everyConditionMustHold(_ rule: String, _ matches: Bool) throws {
        let identity = Identity(
            subject: "spiffe://x/y", issuer: "i", roles: ["a"],
            claims: [
                "tenant": .string("acme"), "level": .number(7),
                "org": .object(["units": .list([.string("a"), .string("b")])]),
            ])
        #expect(Self.isServed(try Self.authorization("{rules: [\(rule)]}"), "/a.B/C", identity) == matches)
    }

    /// Whoever may choose the subject of a token could pass for a service that has a certificate.
    @Test func tokenDoesNotPassForACertificate() throws {
        let rules = try Self.authorization("{rules: [{subjects: ['spiffe://x/*'], credential: certificate}]}")
        let token = Identity(subject: "spiffe://x/billing", issuer: "i", credential: .token)
        let certificate = Identity(subject: "spiffe://x/billing", credential: .certificate)
        #expect(!Self.isServed(rules, "/a.B/C", token))
        #expect(Self.isServed(rules, "/a.B/C", certificate))
        #expect(!Self.isServed(rules))
        let tokens = try Self.authorization("{rules: [{credential: token}]}")
        #expect(Self.isServed(tokens, "/a.B/C", token) && !Self.isServed(tokens, "/a.B/C", certificate))
        let both = try Self.authorization("{rules: [{credential: certificate, authenticated: false}]}")
        #expect(!Self.isServed(both) && !Self.isServed(both, "/a.B/C", certificate))
    }

    @Test func conditionsOnTheCallerNeedACaller() throws {
        for rule in [
            "{credential: token}", "{credential: certificate}",
            "{subjects: ['*']}", "{roles: [a]}", "{issuers: [i]}", "{claims: {a: [b]}}", "{authenticated: true}",
        ] {
            #expect(!Self.isServed(try Self.authorization("{rules: [\(rule)]}")), "\(rule)")
        }
        #expect(Self.isServed(try Self.authorization("{rules: [{authenticated: false}]}")))
    }

    private struct Odd: Authorizer {
        func permits(_ call: Call) async throws -> Bool {
            await Task.yield()
            if call.operation == "/a.B/Fails" { throw ServiceError(.unavailable, reason: "AWAY", message: "away") }
            return call.operation == "/a.B/Odd"
        }
    }

    @Test func authorizerOfOnesOwnDecides() async {
        let chain = MiddlewareChain(Odd())
        func code(_ operation: String) async -> ServiceError.Code? {
            await chain.run(.served(operation)) { _ in CallResult() }.error.flatMap { ServiceError($0) }?.code
        }
        #expect(await code("/a.B/Odd") == nil)
        #expect(await code("/a.B/Even") == .forbidden)
        #expect(await code("/a.B/Fails") == .unavailable)
    }

    @Test(arguments: [
        ("{rules: [{methods: [a.B/C]}]}", "is no operation"),
        (
            "{rules: [{effect: deny, methods: [/a.B]}]}",
            "\"/a.B\" is no operation; write /user.v1.UserService/GetUser, or"
        ),
        ("{rules: [{effect: maybe}]}", "effect"),
        ("{rules: [{role: [a]}]}", "role"), ("{rules: [{credential: password}]}", "credential"),
        ("{default: yes}", "default"),
    ])
    func mistakesAreNamed(_ yaml: String, _ text: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationSections(plugins: []).check(Configuration(yaml: "server: {authorization: \(yaml)}"))
        }
        #expect("\(try #require(error))".contains(text), "\(error as Any)")
    }
}

@Suite struct IdentityTests {
    @Test func claimIsFoundByItsNameOrItsPath() {
        let claims: [String: Identity.Claim] = [
            "a.b": .string("name"), "a": .object(["b": .string("path"), "c": .object(["d": .bool(true)])]),
        ]
        let identity = Identity(subject: "x", claims: claims)
        #expect(identity.claim("a.b") == .string("name"))
        #expect(identity.claim("a.c.d")?.texts == ["true"])
        #expect(identity.claim("a.c.d.e") == nil && identity.claim("") == nil && identity.claim(".") == nil)
        #expect(Identity.Claim.number(1.5).texts == ["1.5"] && Identity.Claim.number(.infinity).texts == ["inf"])
    }
}
