import ServiceKitConfig
import Testing

@testable import ServiceKitCommand

@Suite struct SourceExcerptTests {
    private func excerpt(_ line: Int, _ column: Int, keyPath: String? = nil, in text: String) -> [String]? {
        let location = SourceLocation(origin: "c.yaml", line: line, column: column)
        return SourceExcerpt(of: ConfigurationError(message: "", location: location, keyPath: keyPath), in: text)?.lines
    }

    @Test func theKeyOfTheLineAndTheColumn() {
        #expect(excerpt(2, 3, in: "server:\n  grcp: {}\n") == ["  2 |   grcp: …", "    |   ^"])
        #expect(excerpt(1, 1, in: "srver:\r\n  grpc: {}\n") == ["  1 | srver:", "    | ^"])
        #expect(excerpt(1, 12, in: "- timeout: 5 # why") == ["  1 | - timeout: …", "    |            ^"])
    }

    @Test func noSuchLine() {
        #expect(excerpt(9, 1, in: "a\n") == nil)
    }

    @Test(arguments: [
        "passwrd: hunter2", "a: {pasword: hunter2, ttl: 1x}", "\"p\\x61ssword\": hunter2", "- hunter2", "hunter2",
        "url: http://me:hunter2@host", "password:hunter2", "a: &x hunter2", "{\"hunter2\": 1}", "hunter2\"",
        "? hunter2",
    ])
    func valueIsNotShown(line: String) {
        for column in [1, 9, 40] {
            #expect(!(excerpt(1, column, in: line) ?? []).joined().contains("hunter2"))
        }
    }

    @Test func noLineOfASecretIsShown() {
        #expect(excerpt(1, 1, keyPath: "db.token", in: "hunter2: 1") == nil)
    }
}
