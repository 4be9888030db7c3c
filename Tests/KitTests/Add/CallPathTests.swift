import Foundation
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitCommand

/// The path over HTTP of a call that `kit add rpc` adds.
@Suite(.timeLimit(.minutes(1)), .protoc)
struct CallPathTests {
    private func path(of call: String, _ rules: String..., imports: Bool = true) async throws -> String? {
        let directory = try TemporaryDirectory()
        let methods = rules.enumerated().map { index, rule in
            "rpc Call\(index)(M) returns (M) { option (google.api.http) = { \(rule) }; }"
        }
        try directory.write(
            """
            syntax = "proto3"; package a.v1; \(imports ? "import \"google/api/annotations.proto\";" : "")
            message M { int64 id = 1; } service Users { \(methods.joined()) }
            """, to: "a.proto")
        let path = ProtoPath([.init(path: directory.path, origin: .api)] + ProtoPath.wellKnown)
        let set = try await ProtoCompiler(path: path).parse(["a.proto"])
        let file = try #require(set.file("a.proto"))
        return CallPath.path(of: call, in: file.service[0], of: file, set)
    }

    @Test(arguments: [
        ("RenameUser", "get: \"/v1/users/{id}\"", "/v1/users:rename"),
        ("RenameUsers", "get: \"/v1/users\"", "/v1/users:rename"),
        ("SendMail", "get: \"/v1/users\"", "/v1/users:sendMail"),
        ("User", "get: \"/v1/users\"", "/v1/users:user"),
        ("ShipOrderItem", "get: \"/api/v1/order-items/{id}\"", "/api/v1/order-items:ship"),
        ("Watch", "get: \"/v1/users:list\"", "/v1/users:watch"),
    ])
    func pathIsBelowThoseOfTheOtherCalls(_ call: String, _ rule: String, _ expected: String) async throws {
        #expect(try await path(of: call, rule) == expected)
    }

    @Test func takenPathIsLeftAlone() async throws {
        #expect(try await path(of: "WatchUser", "get: \"/v1/users:watch\"") == "/v1/users:watchUser")
    }

    @Test func serviceWithoutPathsGetsNone() async throws {
        #expect(try await path(of: "RenameUser") == nil)
        #expect(try await path(of: "RenameUser", imports: false) == nil)
    }
}
