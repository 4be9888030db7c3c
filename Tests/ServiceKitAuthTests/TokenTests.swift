import Foundation
import ServiceKit
import ServiceKitConfig
import ServiceKitTesting
import Testing

@testable import ServiceKitAuth

/// Tokens that are good, and tokens of those who mean ill.
@Suite(.timeLimit(.minutes(1)))
struct TokenTests {
    private static let secret = "secret: \"\(Vectors.secret)\""

    private func authentication(_ jwt: String = secret) async throws -> Authentication {
        try await .make("{jwt: {\(jwt)}}", source: ScriptedKeySource { Vectors.keySet })
    }

    // MARK: - Good ones

    @Test(arguments: [TokenAlgorithm.rs256, .es256, .eddsa, .hs256])
    func tokenOfAnotherImplementationIsAccepted(_ algorithm: TokenAlgorithm) async throws {
        let authentication = try await authentication(
            "issuer: https://issuer.example, audiences: [x, users], " + Self.secret)
        let token = try Vectors.tokens[algorithm].unwrapped
        let identity = try #require(try await authentication.identity(token).get())
        #expect(identity.subject == "alice" && identity.issuer == "https://issuer.example")
        #expect(identity.roles == ["admin", "reader"] && identity.credential == .token)
        #expect(identity.claim("tenant.id") == .number(7))
        // One changed byte of the claims, and one of the signature.
        for change in [
            token.replacing("c3ViIjoiYWxpY2Ui", with: "c3ViIjoibWFsbG9ye"), String(token.dropLast(3)) + "AAA",
        ] {
            #expect(await authentication.identity(change).failure?.reason == "TOKEN_INVALID")
        }
    }

    @Test func algorithmMustBeListed() async throws {
        let token = try Vectors.tokens[.ps256].unwrapped
        let refused = try await authentication().identity(token).failure
        #expect(refused?.message == "the token's algorithm is not accepted")
        #expect(try await authentication("algorithms: [PS256]").identity(token).get()?.subject == "alice")
        let es256 = try Vectors.tokens[.es256].unwrapped
        #expect(try await authentication("algorithms: [RS256]").identity(es256).failure?.code == .unauthenticated)
    }

    @Test func claimsAreNamedByConfiguration() async throws {
        let signer = try await Signer.hmac()
        let claims = #"{"client_id": "cron", "realm": {"roles": "a b"}, "exp": 2000000000}"#
        let authentication = try await authentication(
            "header: x-token, subject-claim: client_id, roles-claim: realm.roles, " + Self.secret)
        let call = Call(
            side: .server, operation: "/a.B/C", metadata: ["x-token": .string("bEARER \(try signer.token(claims))")])
        let identity = try #require(try await authentication.identity(call).get())
        #expect(identity.subject == "cron" && identity.roles == ["a", "b"])
    }

    @Test func withoutProofCallsAreRefusedUnlessOptional() async throws {
        let strict = try await authentication()
        #expect(await strict.identity(nil).failure?.reason == "CREDENTIALS_MISSING")
        #expect(await strict.identity(nil, "/grpc.health.v1.Health/Check") == .success(nil))
        let optional = try await Authentication.make("{required: false, exempt: [/a.B/D], jwt: {\(Self.secret)}}")
        #expect(await optional.identity(nil) == .success(nil))
        #expect(await optional.identity("x.y.z").failure?.reason == "TOKEN_INVALID")
        #expect(await optional.identity("x.y.z", "/a.B/D") == .success(nil))
    }

    // MARK: - Times

    @Test(arguments: [
        (#""exp": 1799999971"#, nil), (#""exp": 1799999970"#, "TOKEN_EXPIRED"), (#""exp": 0"#, "TOKEN_EXPIRED"),
        (#""exp": 1800000001.5, "nbf": 1800000030"#, nil),
        (#""exp": 1900000000, "nbf": 1800000031"#, "TOKEN_INVALID"),
        (#""exp": "1900000000""#, "TOKEN_INVALID"), (#""exp": 1e999"#, "TOKEN_INVALID"),
        (#""exp": null"#, "TOKEN_INVALID"), (#""nbf": 0"#, "TOKEN_INVALID"), (#""exp": -1"#, "TOKEN_EXPIRED"),
    ])
    func timesHoldWithinTheLeeway(_ claims: String, _ reason: String?) async throws {
        let token = try await Signer.hmac().token(#"{"sub": "alice", \#(claims)}"#)
        #expect(try await authentication().identity(token).failure?.reason == reason)
    }

    @Test func tokenWithoutEndIsAcceptedIfTheOperatorSaysSo() async throws {
        let token = try await Signer.hmac().token(#"{"sub": "alice"}"#)
        #expect(try await authentication().identity(token).failure?.message == "the token lacks a claim")
        let lenient = try await authentication("requires-expiration: false, " + Self.secret)
        #expect(try await lenient.identity(token).get()?.subject == "alice")
    }

    // MARK: - Hostile ones

    @Test(arguments: [
        #""iss": "https://evil.example", "aud": "users""#, #""aud": "users""#, #""iss": 7, "aud": "users""#,
        #""iss": "i", "aud": "other""#, #""iss": "i""#, #""iss": "i", "aud": {"users": 1}"#,
    ])
    func issuerAndAudienceMustBeTheConfiguredOnes(_ claims: String) async throws {
        let authentication = try await authentication("issuer: i, audiences: [users], " + Self.secret)
        let signer = try await Signer.hmac()
        let good = try signer.token(#"{"sub": "a", "exp": 2000000000, "iss": "i", "aud": ["x", "users"]}"#)
        #expect(try await authentication.identity(good).get() != nil)
        let bad = try signer.token(#"{"sub": "a", "exp": 2000000000, \#(claims)}"#)
        #expect(await authentication.identity(bad).failure?.reason == "TOKEN_INVALID")
    }

    @Test(arguments: ["none", "None", "NONE", "nOnE", "", "HS512", "RS256\u{0}"])
    func unsignedTokenIsRefused(_ algorithm: String) async throws {
        let authentication = try await authentication()
        let claims = Signer.url(Data(#"{"sub": "admin", "exp": 2000000000}"#.utf8))
        let header = Signer.url(Data("{\"alg\": \"\(algorithm)\"}".replacing("\u{0}", with: "\\u0000").utf8))
        for signature in ["", "AAAA"] {
            let refused = await authentication.identity("\(header).\(claims).\(signature)").failure
            #expect(refused?.reason == "TOKEN_INVALID")
        }
    }

    /// The public key as the secret of HMAC, in the forms in which libraries were fooled.
    @Test func publicKeyIsNoSecret() async throws {
        let withoutSecret = try await authentication("leeway: 1s")
        let withSecret = try await authentication()
        for secret in [Vectors.keySet, "qCeVQXBSw2CltEMO_HdMEuFOuY_Hy65E2S76SVgYnbu2eMiXYdck5qFapZ", "AQAB"] {
            let padded = secret.count < 32 ? secret + String(repeating: "=", count: 32) : secret
            for kid in ["rsa-1", nil] {
                let token = try await Signer.hmac(padded).token(kid: kid)
                #expect(await withoutSecret.identity(token).failure?.reason == "TOKEN_INVALID")
                #expect(await withSecret.identity(token).failure?.reason == "TOKEN_INVALID")
            }
        }
    }

    @Test func keyServesOnlyItsOwnAlgorithm() async throws {
        let (signer, jwk) = try await Signer.ecdsa("a")
        let authentication = try await Authentication.make(
            "{jwt: {leeway: 1s}}", source: ScriptedKeySource { "{\"keys\": [\(jwk)]}" })
        #expect(try await authentication.identity(signer.token(kid: "a")).get() != nil)
        for algorithm in ["RS256", "EdDSA", "HS256"] {
            let token = try signer.token(header: #"{"alg": "\#(algorithm)", "kid": "a"}"#)
            #expect(await authentication.identity(token).failure?.reason == "TOKEN_INVALID")
        }
    }

    @Test func hugeTokenIsRefusedBeforeItIsDecoded() async throws {
        let authentication = try await authentication()
        let padding = String(repeating: "a", count: 1 << 20)
        let token = try await Signer.hmac().token(#"{"sub": "alice", "exp": 2000000000, "x": "\#(padding)"}"#)
        let start = ContinuousClock.now
        for _ in 1...100 { #expect(await authentication.identity(token).failure?.message == "the token is too large") }
        // To decode 100 of them takes seconds.
        #expect(ContinuousClock.now - start < .seconds(1))
    }

    @Test(arguments: [
        "", ".", "..", "...", "a.b", "a.b.c.d", "!!!.???.***", "eyJhbGciOiJIUzI1NiJ9.e30=.AAAA", " . . ", "e30.e30.e30",
        "W10.W10.W10", "bnVsbA.bnVsbA.AAAA", "eyJhbGciOjF9.e30.AAAA", "eyJhbGciOiJIUzI1NiJ9..", "\u{0}.\u{0}.\u{0}",
        "é.é.é",
    ])
    func garbageIsMalformed(_ token: String) async throws {
        #expect(try await authentication().identity(token).failure?.reason == "TOKEN_INVALID")
    }

    @Test func headersThatChangeTheMeaningAreRefused() async throws {
        let authentication = try await authentication()
        let signer = try await Signer.hmac()
        for header in [
            #"{"alg": "HS256", "crit": ["b64"], "b64": false}"#, #"{"alg": "HS256", "alg": "none"}"#,
            #"{"alg": "HS256", "kid": 7}"#, #"{"alg": ["HS256"]}"#, #"["HS256"]"#,
        ] {
            #expect(await authentication.identity(try signer.token(header: header)).failure?.reason == "TOKEN_INVALID")
        }
        var call = Call(side: .server, operation: "/a.B/C")
        for _ in 1...2 { call.metadata.append("Bearer \(try signer.token())", for: "authorization") }
        #expect(await authentication.identity(call).failure?.reason == "TOKEN_INVALID")
        for value in ["Basic YTpi", "Bearer", "", "Token \(try signer.token())"] {
            let call = Call(side: .server, operation: "/a.B/C", metadata: ["authorization": .string(value)])
            #expect(await authentication.identity(call).failure?.code == .unauthenticated)
        }
    }

    @Test func duplicateClaimsAndDeepOnesAreRefused() async throws {
        let authentication = try await authentication()
        let signer = try await Signer.hmac()
        let deep = String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)
        for claims in [
            #"{"sub": "alice", "sub": "admin", "exp": 2000000000}"#, #"{"sub": "alice", "exp": 0, "exp": 2000000000}"#,
            #"{"sub": "alice", "exp": 2000000000, "x": \#(deep)}"#, #"["alice"]"#, "\"alice\"", "null", "", "{",
            #"{"sub": "", "exp": 2000000000}"#, #"{"sub": {"a": 1}, "exp": 2000000000}"#,
        ] {
            let refused = await authentication.identity(try signer.token(claims)).failure
            #expect(refused?.reason == "TOKEN_INVALID", "\(claims.prefix(60))")
        }
    }

    @Test func neitherErrorNorLogHasTheToken() async throws {
        let log = LogRecorder()
        let authentication = try await Authentication.make("{jwt: {\(Self.secret)}}", logger: log.logger())
        let token = try await Signer.hmac("another secret of thirty-two bytes!").token(
            #"{"sub": "very-private", "exp": 2000000000}"#)
        let error = try #require(await authentication.identity(token).failure)
        let text = "\(error) \(error.metadata) \(log.entries)"
        for part in token.split(separator: ".") { #expect(!text.contains(part)) }
        #expect(!text.contains("very-private") && !text.contains(Vectors.secret))
    }

    // MARK: - Options

    @Test(arguments: [
        ("{jwt: {secret: short}}", "server.auth.jwt.secret: an HS256 secret has at least 32 bytes"),
        ("{jwt: {algorithms: [none]}}", "server.auth.jwt.algorithms"),
        ("{jwt: {algorithms: []}}", "without an algorithm"),
        ("{jwt: {jwks: {file: a, url: 'https://b'}}}", "give a file or a url"),
        ("{jwt: {jwks: {url: 'file:///etc/passwd'}}}", "begins with https://"),
        ("{jwt: {leeway: 2h}}", "server.auth.jwt.leeway"),
        ("{mtls: {enabled: true}}", "server.grpc.tls.client-ca"),
        ("{jwt: {isuer: a}}", "issuer"),
    ])
    func mistakesAreNamed(_ yaml: String, _ text: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            let configuration = try Configuration(yaml: "server: {auth: \(yaml)}")
            try ConfigurationSections(plugins: [.auth]).check(configuration)
        }
        #expect("\(try #require(error))".contains(text), "\(error as Any)")
        #expect(!"\(error as Any)".contains("short"))
    }
}
