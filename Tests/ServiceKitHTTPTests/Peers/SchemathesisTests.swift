import Foundation
import ServiceKitGRPC
import ServiceKitSampleAPI
import ServiceKitTestSupport
import SwiftProtobuf
import Testing

/// Schemathesis reads the OpenAPI document of a server, and makes calls of it, right and wrong. Each answer is one that the
/// document describes.
@Suite(.serialized, .timeLimit(.minutes(4)))
struct SchemathesisTests {
    /// Beside the Python that `make test` names.
    private static let program = ProcessInfo.processInfo.environment["KIT_TEST_PYTHON"]
        .map {
            URL(filePath: $0).deletingLastPathComponent().appending(path: "schemathesis").path(percentEncoded: false)
        }
        .flatMap { FileManager.default.isExecutableFile(atPath: $0) ? $0 : nil }

    /// - Parameters:
    ///   - server: The server.
    ///   - arguments: Further arguments.
    private func attack(_ server: HTTPTestServer, _ arguments: String...) async throws {
        let directory = try TemporaryDirectory()
        let result = try await RunningProgram.run(
            "/bin/sh",
            [
                // It writes files where it is. The other tests come first.
                "-c", #"cd "$0" && exec nice -n 19 "$@""#, directory.path, try #require(Self.program), "run",
                // The check wants an error for what no schema allows. Schemas here are those of responses too: a server writes
                // no null, and a number in one form. It reads more (https://protobuf.dev/programming-guides/json): null for
                // a missing field, numbers as strings and strings as numbers, both names of a field but not at once, with
                // `unknown-fields: ignore` names of enum values that it does not know, and `1` and `0` for booleans in
                // queries. Schemas of requests alone could say most of that, at twice the number of schemas and with
                // every field nullable for those who generate clients. JSON Schema has no words for the rest: a number
                // in a string that is too large, or the same field by two names in one object. So the check stays off.
                "--exclude-checks", "negative_data_rejection", "--seed", "1", "--no-color", "--request-timeout", "60",
                "--wait-for-schema", "60",
                "--generation-database", "none",
            ] + arguments + ["http://127.0.0.1:\(server.port)/openapi.json"])
        #expect(result.exit == .exited(0), "\(result.output.suffix(6000))\(result.errors)")
    }

    @Test(.enabled(if: program != nil, "there is no package schemathesis"))
    func usersAreAsDescribed() async throws {
        try await HTTPTestServer.with(descriptors: RuledUsers.descriptors()) { server in
            // The watch has no end.
            try await attack(
                server, "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--exclude-path",
                "/v1/users:watch")
            #expect(server.users.created.value.allSatisfy { (2...4).contains($0.unicodeScalars.count) })
            #expect(!server.users.created.value.isEmpty)
        }
    }

    /// All kinds of fields, in paths, queries and bodies.
    @Test(.enabled(if: program != nil, "there is no package schemathesis"))
    func allKindsOfFieldsAreAsDescribed() async throws {
        try await HTTPTestServer.with(
            extend: { $0.serve(TranscodeService(), descriptors: transcodeDescriptors) }
        ) { server in
            // What fails by purpose says nothing; and Schemathesis cannot write a path whose variable has a dot in its name.
            try await attack(
                server, "--phases", "fuzzing", "--max-examples", "2", "--exclude-path-regex",
                #"^/v1/(users|fail|refuse|part)|\{[a-z_]*\."#)
        }
    }
}
