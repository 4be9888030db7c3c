import Foundation
import JWTKit
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import ServiceLifecycle
import Synchronization
import Testing

@testable import ServiceKitAuth

/// Keys that change, and places of keys that do not answer.
@Suite(.timeLimit(.minutes(1)))
struct KeyKeeperTests {
    private let clock = TestClock()
    private let log = LogRecorder()

    private func options(_ yaml: String = "{}") throws -> KeySetOptions {
        try Configuration(yaml: "x: \(yaml)").decode(KeySetOptions.self, at: "x")
    }

    private func keeper(_ source: ScriptedKeySource, _ yaml: String = "{}") throws -> KeyKeeper {
        KeyKeeper(try options(yaml), secret: nil, source: source, clock: clock, logger: log.logger())
    }

    /// Runs a keeper beside a body.
    private func running(_ keeper: KeyKeeper, _ body: () async throws -> Void) async throws {
        let task = Task { await keeper.run() }
        do {
            try await body()
        } catch {
            task.cancel()
            throw error
        }
        task.cancel()
        await task.value
    }

    private static func set(_ keys: String...) -> String { "{\"keys\": [\(keys.joined(separator: ", "))]}" }

    @Test func unknownKeyIsFetchedOnceForAllAndThenNotForATime() async throws {
        let (old, oldKey) = try await Signer.ecdsa("old")
        let (new, newKey) = try await Signer.ecdsa("new")
        let source = ScriptedKeySource { Self.set(oldKey) }
        let keeper = try keeper(source)
        try await keeper.start()
        #expect(source.loads == 1)
        let authentication = try await Authentication.make("{jwt: {leeway: 1s}}", keys: keeper)
        try await running(keeper) {
            #expect(try await authentication.identity(old.token(kid: "old")).get() != nil)
            // The source was asked at the start, not long ago: no token has it asked again.
            source.answer { Self.set(oldKey, newKey) }
            let token = try new.token(kid: "new")
            for _ in 1...100 {
                #expect(await authentication.identity(token).failure?.message == "the token's key is not known")
            }
            #expect(source.loads == 1)
            clock.advance(by: .seconds(30))
            let gate = Gate()
            source.answer {
                try await gate.pass()
                return Self.set(oldKey, newKey)
            }
            // All of them wait for one fetch.
            let results = Task {
                await withTaskGroup(of: Bool.self) { group in
                    for _ in 1...100 { group.addTask { (try? await authentication.identity(token).get()) != nil } }
                    return await group.reduce(into: []) { $0.append($1) }
                }
            }
            await gate.waitForArrivals()
            gate.open()
            #expect(await results.value.contains(true))
            #expect(try await authentication.identity(token).get() != nil)
            #expect(source.loads == 2)
            // Ids that nobody has make no storm.
            for number in 1...100 {
                let failure = await authentication.identity(try new.token(kid: "k\(number)")).failure
                #expect(failure?.code == .unauthenticated)
            }
            #expect(source.loads == 2)
        }
    }

    @Test func removedKeyIsAcceptedForItsGrace() async throws {
        let (old, oldKey) = try await Signer.ecdsa("old")
        let (new, newKey) = try await Signer.ecdsa("new")
        let source = ScriptedKeySource { Self.set(oldKey) }
        let keeper = try keeper(source, "{refresh-interval: 60s, grace: 90s}")
        try await keeper.start()
        let authentication = try await Authentication.make("{jwt: {leeway: 1s}}", keys: keeper)
        try await running(keeper) {
            source.answer { Self.set(newKey) }
            try await clock.advance(by: .seconds(60)) { source.loads == 2 }
            try await eventually { (try? await authentication.identity(new.token(kid: "new")).get()) != nil }
            #expect(try await authentication.identity(old.token(kid: "old")).get() != nil)
            // Two more refreshes make the grace no longer.
            try await clock.advance(by: .seconds(60)) { source.loads == 3 }
            #expect(try await authentication.identity(old.token(kid: "old")).get() != nil)
            clock.advance(by: .seconds(30))
            #expect(await authentication.identity(try old.token(kid: "old")).failure?.reason == "TOKEN_INVALID")
            #expect(try await authentication.identity(new.token(kid: "new")).get() != nil)
        }
    }

    @Test(arguments: ["{}", "garbage", #"{"keys": []}"#, #"{"keys": [{"kty": "oct", "k": "AAAA"}]}"#, "failure"])
    func lastGoodKeysStayWhenARefreshFails(_ answer: String) async throws {
        let (signer, key) = try await Signer.ecdsa("a")
        let source = ScriptedKeySource { Self.set(key) }
        let keeper = try keeper(source, "{refresh-interval: 60s, grace: 0}")
        try await keeper.start()
        let authentication = try await Authentication.make("{jwt: {leeway: 1s}}", keys: keeper)
        try await running(keeper) {
            source.answer {
                if answer == "failure" { throw KeySet.Failure(description: "it answered with status 500") }
                return answer
            }
            try await clock.advance(by: .seconds(60)) { source.loads == 2 }
            let warning = await log.first { $0.message.contains("the last good ones stay") }
            #expect(warning != nil)
            #expect(try await authentication.identity(signer.token(kid: "a")).get() != nil)
        }
    }

    @Test func withoutKeysTheCallerIsNotToBlame() async throws {
        let (signer, key) = try await Signer.ecdsa("a")
        let source = ScriptedKeySource { throw KeySet.Failure(description: "away") }
        let keeper = try keeper(source)
        // The App starts all the same.
        try await keeper.start()
        let authentication = try await Authentication.make("{jwt: {leeway: 1s}}", keys: keeper)
        try await running(keeper) {
            let refused = await authentication.identity(try signer.token(kid: "a")).failure
            #expect(refused?.code == .unavailable && refused?.reason == "AUTH_UNAVAILABLE")
            source.answer { Self.set(key) }
            // It is asked again soon.
            try await clock.advance(by: .seconds(2)) { source.loads >= 2 }
            try await eventually { (try? await authentication.identity(signer.token(kid: "a")).get()) != nil }
        }
    }

    @Test func sourceThatHangsIsLeftAfterItsTime() async throws {
        let source = ScriptedKeySource {
            try await Task.sleep(for: .seconds(3600))
            return ""
        }
        let keeper = KeyKeeper(try options("{timeout: 20ms}"), secret: nil, source: source, logger: log.logger())
        try await keeper.start()
        #expect(source.loads == 1)
        #expect(log.entries.contains { $0.message.contains("cannot be loaded") })
    }

    @Test func fileIsRequiredAndWatched() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("jwks.json")
        var jwt = JWTOptions()
        jwt.jwks.file = path
        let missing = await #expect(throws: ConfigurationError.self) {
            try await KeyKeeper(jwt, logger: log.logger()).start()
        }
        #expect("\(missing as Any)".contains(path))
        let (old, oldKey) = try await Signer.ecdsa("old")
        let (new, newKey) = try await Signer.ecdsa("new")
        try directory.write(Self.set(oldKey), to: "jwks.json")
        let keeper = KeyKeeper(jwt, logger: log.logger())
        try await keeper.start()
        let authentication = try await Authentication.make("{jwt: {leeway: 1s}}", keys: keeper)
        #expect(try await authentication.identity(old.token(kid: "old")).get() != nil)
        try await running(keeper) {
            try directory.write(Self.set(newKey), to: "jwks.json")
            try await eventually { (try? keeper.keys("new", .es256).count) == 1 }
            #expect(try await authentication.identity(new.token(kid: "new")).get() != nil)
        }
    }

    @Test func tokenWithoutKeyIDTriesAFewKeys() async throws {
        var pairs: [(signer: Signer, jwk: String)] = []
        for number in 0..<6 { pairs.append(try await Signer.ecdsa("k\(number)")) }
        let set = "{\"keys\": [\(pairs.map(\.jwk).joined(separator: ", "))]}"
        let authentication = try await Authentication.make("{jwt: {leeway: 1s}}", source: ScriptedKeySource { set })
        #expect(try await authentication.identity(pairs[3].signer.token()).get() != nil)
        #expect(await authentication.identity(try pairs[5].signer.token()).failure?.reason == "TOKEN_INVALID")
        #expect(try await authentication.identity(pairs[5].signer.token(kid: "k5")).get() != nil)
    }
}

extension TestClock {
    /// Advances when somebody sleeps, and waits for a condition.
    fileprivate func advance(by duration: Duration, until condition: @Sendable () -> Bool) async throws {
        await waitForSleepers()
        advance(by: duration)
        try await eventually { condition() }
    }
}
