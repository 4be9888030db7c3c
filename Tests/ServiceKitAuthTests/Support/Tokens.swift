import Foundation
import JWTKit
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitTesting
import Synchronization

@testable import ServiceKitAuth

/// Keys and tokens that another implementation (joserfc for Python) has made.
enum Vectors {
    static let secret = "a secret of thirty-two bytes or more, known to both sides"
    static let keySet = """
        {"keys": [{"n": "qCeVQXBSw2CltEMO_HdMEuFOuY_Hy65E2S76SVgYnbu2eMiXYdck5qFapZ_w7dVqx4-pqDyWsC6EJAZc83FW9kNjTvzZJqhRjI-WD00Ksf-1Z2JMwZ1BnGPuZ65qFlkJPR0UFt6rSU_on4DPet8vjMLTByZ1fSR6cK8IOEKrJuPWkIY6wJOputnKDthgOFcsQEt7kvjiuwNPFyiU3uWUUMgLh-uycb_XygpSTGI9Gaa3S4r0GiRqNEreysvnBNBRh0AcPipeWmiW_69xV-Hwffr7WotiCpQaSk9FlDHvHdLIrTljRLnQer2wXg0C4dBcp6_yHDIRLu75v-l40GD1rw", "e": "AQAB", "kid": "rsa-1", "kty": "RSA"}, {"crv": "P-256", "x": "zs8W784wVGkNHfgOtrcO76OGySiEagBkg8aVxWUCNxs", "y": "WwfslIqgSXeHbdJe77V1hBrV1ZGhHPWBzepycY1lO9g", "kid": "ec-1", "kty": "EC"}, {"crv": "Ed25519", "x": "z_9fu5EmVWwyEgXUS-yo2hFCgexMbtpHBnkOI3Fp4VQ", "kid": "ed-1", "kty": "OKP"}]}
        """
    private static let claims =
        "eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoiYWxpY2UiLCJhdWQiOlsidXNlcnMiXSwiZXhwIjoyMDAwMDAwMDAwLCJuYmYiOjE3MDAwMDAwMDAsInJvbGVzIjpbImFkbWluIiwicmVhZGVyIl0sInRlbmFudCI6eyJpZCI6N319"
    static let tokens: [TokenAlgorithm: String] = [
        .rs256:
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIn0.\(claims).KJCBbqFrqZK01NaPxwt7W0eejlXtHHDhNAi40p-cveSy3jXGWgQ6qSyVe7tIkXjGOG5KfiasKlR56GP5I9-xLJwySDuuKarX-CaZTO0cDvqBVeY5c2rl2G__6GcQtYstdq7ZQ7C4KqIL4sF_fBygoxJytLTFbGTmZIBGKso7KyNmuIp5qjnKtYnfGJNz6SClbg7Zhsh_9Hb4nQvVT4y0sCi2P8ZdxwSryBGkPkfH3BqzMciBVzxu1iGhC9RdtAc1v2zRNh3QDctw59JADGpvAWn4K7gyg9icHVFX90HOzrwj9z1cLjyBv7PGRKOTB2b7oMwsf97DboLtgVuXga_izA",
        .es256:
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiIsImtpZCI6ImVjLTEifQ.\(claims).8TyUEkuqnofeeTin7coA66DMgpRvgBnUTu89DsBlmu-6Ry-EM53IVj8QfQkqU5mzDWMqYdoXO9JzrXf_8cCK9g",
        .eddsa:
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSIsImtpZCI6ImVkLTEifQ.\(claims).J_0Ee0CK7gMzRBKxD6zzKUvDZWhXkofCXNtyyid70ior2VHTsxFr9cDF7mhS_NA8AQBAlTzhb6qYvc-sGx7EAA",
        .hs256:
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.\(claims).JnJ9k8MNvS_o8xpAu9JZ3sncgLxB15d7vHSLZk7XxI0",
        .ps256:
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJQUzI1NiIsImtpZCI6InJzYS0xIn0.\(claims).XootzLT_92z9bexxrA6OcoyApWMrOKY08wOP7KrRfM5ylXxXjSOUM3OEa40JbgssPs2yje7cVJr0fJAZgsYQpNGtOhMOiRSyQTXFFSFRXxIrlYhV3w1KIOYPlLPruDesYVoZypYjPapvwHWwBw1U9QEboF6uRXVkKZApBkjYrb-cgZL_TJhOBF19zFf7nGiw7k-bmC5t7F9R3A6A42-AtWzAaZpmI2qrdiAU-qhDWT3ox3r9f5pV9eHQ78eRXvaEUip71Tiu787QDmtwhvQcHVNC6oZ5-iAtO7pCaQVVtbva5ByQYa84_d8KMOaM3kXNmd1jo5q-k4xv7thRaS-kRg",
    ]
}

/// Signs what a test gives, good or bad.
struct Signer {
    let name: String
    private let key: any JWTAlgorithm

    static func hmac(_ secret: String = Vectors.secret) async throws -> Signer {
        let keys = await JWTKeyCollection().add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
        return Signer(name: "HS256", key: try await keys.getKey())
    }

    /// A new key on P-256, and its entry in a key set.
    static func ecdsa(_ id: String) async throws -> (signer: Signer, jwk: String) {
        let key = ES256PrivateKey()
        let keys = await JWTKeyCollection().add(ecdsa: key)
        let (x, y) = try (key.publicKey.parameters.map { ($0.x, $0.y) }).unwrapped
        // Its form is base64, that of a key set base64url.
        let (urlX, urlY) = try (url(Data(base64Encoded: x).unwrapped), url(Data(base64Encoded: y).unwrapped))
        let jwk = #"{"kty": "EC", "crv": "P-256", "kid": "\#(id)", "x": "\#(urlX)", "y": "\#(urlY)"}"#
        return (Signer(name: "ES256", key: try await keys.getKey()), jwk)
    }

    func token(
        _ claims: String = #"{"sub": "alice", "exp": 2000000000}"#, kid: String? = nil, header: String? = nil
    ) throws -> String {
        let kid = kid.map { #", "kid": "\#($0)""# } ?? ""
        let header = header ?? #"{"alg": "\#(name)"\#(kid)}"#
        let signed = Self.url(Data(header.utf8)) + "." + Self.url(Data(claims.utf8))
        return signed + "." + Self.url(Data(try key.sign(Data(signed.utf8))))
    }

    static func url(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

extension Optional {
    /// The value. Throws when there is none.
    var unwrapped: Wrapped {
        get throws {
            guard let self else { throw CancellationError() }
            return self
        }
    }
}

/// A place with a key set that a test changes.
final class ScriptedKeySource: KeySource {
    private struct State {
        var answer: @Sendable () async throws -> String
        var loads = 0
    }

    private let state: Mutex<State>
    private let change = Watched(0)
    let name = "test"
    let isRequired: Bool

    init(isRequired: Bool = false, _ answer: @escaping @Sendable () async throws -> String) {
        self.isRequired = isRequired
        state = Mutex(State(answer: answer))
    }

    /// How often it was asked.
    var loads: Int { state.withLock(\.loads) }

    func answer(_ answer: @escaping @Sendable () async throws -> String) {
        state.withLock { $0.answer = answer }
    }

    func load() async throws -> [UInt8] {
        let answer = state.withLock { state in
            state.loads += 1
            return state.answer
        }
        return Array(try await answer().utf8)
    }

    func waitForChange() async { _ = await change.first { _ in false } }
}

extension Authentication {
    /// The authentication that some YAML describes, with keys that have been loaded.
    static func make(
        _ yaml: String,
        source: (any KeySource)? = nil,
        keys: KeyKeeper? = nil,
        logger: Logger = LogRecorder().logger(),
        now: Double = 1_800_000_000
    ) async throws -> Authentication {
        let options = try Configuration(yaml: "server: {auth: \(yaml)}").decode(AuthOptions.self, at: AuthOptions.path)
        var keeper = keys
        if keeper == nil, options.jwt.isEnabled || source != nil {
            let made = KeyKeeper(options.jwt.jwks, secret: options.jwt.secret, source: source, logger: logger)
            try await made.start()
            keeper = made
        }
        let certificates = options.mtls.enabled ? CertificateIdentity(options.mtls) : nil
        return Authentication(Replaceable(Rules(options)), keys: keeper, certificates: certificates) { now }
    }

    /// The identity of a call with a token, or the error that answers it.
    func identity(_ token: String?, _ operation: String = "/a.B/C") async -> Result<Identity?, ServiceError> {
        var metadata: CallMetadata = [:]
        metadata["authorization"] = token.map { "Bearer \($0)" }
        return await identity(Call(side: .server, operation: operation, metadata: metadata))
    }

    func identity(_ call: Call) async -> Result<Identity?, ServiceError> {
        let seen = Mutex<Identity?>(nil)
        let result = await MiddlewareChain(self).run(call) { call in
            seen.withLock { $0 = call.identity }
            return CallResult()
        }
        guard let error = result.error else { return .success(seen.withLock(\.self)) }
        return .failure(ServiceError(error) ?? ServiceError(.internalError, reason: "OTHER", message: "\(error)"))
    }
}

extension Result where Failure == ServiceError {
    /// The reason of the failure.
    var failure: ServiceError? {
        if case .failure(let error) = self { error } else { nil }
    }
}
