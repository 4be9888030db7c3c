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
                // JSON of protobuf is read with null for any value, with numbers as strings, and with unknown fields; a document
                // that said so would describe no response.
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
