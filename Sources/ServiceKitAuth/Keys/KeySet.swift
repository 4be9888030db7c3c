internal import JWTKit
internal import ServiceKitProtobuf

/// The keys that check tokens, from a JSON Web Key Set (RFC 7517).
struct KeySet: Sendable {
    /// A key, and the algorithms that it is for, which follow from its kind.
    struct Key: Sendable {
        let id: String?
        /// The key itself, to tell whether two are the same.
        let material: String
        let algorithms: [TokenAlgorithm: any JWTAlgorithm]
    }

    /// A set that is none.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The most keys of a set.
    static let maxKeys = 100

    let keys: [Key]
    /// The number of keys that are for other uses, or of kinds that are not known here.
    let ignored: Int

    init(keys: [Key], ignored: Int = 0) {
        self.keys = keys
        self.ignored = ignored
    }

    /// The key of a secret.
    init(secret: String) async throws {
        let collection = await JWTKeyCollection().add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
        keys = [Key(id: nil, material: "secret", algorithms: [.hs256: try await collection.getKey()])]
        ignored = 0
    }

    /// Reads a set. Keys for other uses, and of other kinds, are passed over, as section 5 of RFC 7517 asks. Secrets (`oct`)
    /// are among them: a set is public.
    ///
    /// - Throws: ``Failure`` when it is no set, or has no key that can check tokens.
    init(json: [UInt8]) async throws {
        guard let text = String(validating: json, as: UTF8.self),
            case .object(let members) = try JSONParser.parse(text),
            case .array(let elements)? = members.first(where: { $0.name == "keys" })?.value
        else { throw Failure(description: "it is no JSON Web Key Set") }
        guard elements.count <= Self.maxKeys else {
            throw Failure(description: "it has \(elements.count) keys; at most \(Self.maxKeys) are read")
        }
        var keys: [Key] = []
        for element in elements {
            if let key = await Self.key(element) { keys.append(key) }
        }
        if keys.isEmpty { throw Failure(description: "it has no key that can check tokens") }
        self.init(keys: keys, ignored: elements.count - keys.count)
    }

    private static func key(_ element: JSONValue) async -> Key? {
        guard case .object(let members) = element else { return nil }
        var texts: [String: String] = [:]
        for case let member in members {
            if case .string(let text) = member.value { texts[member.name] = text }
        }
        if let use = texts["use"], use != "sig" { return nil }
        let candidates: [TokenAlgorithm] =
            switch (texts["kty"], texts["crv"]) {
            case ("RSA", _): [.rs256, .rs384, .rs512, .ps256]
            case ("EC", "P-256"): [.es256]
            case ("EC", "P-384"): [.es384]
            case ("OKP", "Ed25519"): [.eddsa]
            default: []
            }
        // A private key in the set is read for its public part.
        let parts = ["kty", "crv", "n", "e", "x", "y"]
        let material = JSONValue.object(parts.compactMap { name in texts[name].map { .init(name, .string($0)) } }).text
        guard !candidates.isEmpty, var jwk = try? JWK(json: material) else { return nil }
        let name = JWKIdentifier(string: "key")
        jwk.keyIdentifier = name
        var algorithms: [TokenAlgorithm: any JWTAlgorithm] = [:]
        for candidate in candidates where texts["alg"] == nil || texts["alg"] == candidate.rawValue {
            jwk.algorithm = JWK.Algorithm(rawValue: candidate.rawValue)
            let collection = JWTKeyCollection()
            guard (try? await collection.add(jwk: jwk)) != nil, let algorithm = try? await collection.getKey(for: name)
            else { continue }
            algorithms[candidate] = algorithm
        }
        if algorithms.isEmpty { return nil }
        return Key(id: texts["kid"], material: material, algorithms: algorithms)
    }
}
