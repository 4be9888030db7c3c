import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// The generated code in the template matches protoc's output for the .proto file beside it.
@Suite(.timeLimit(.minutes(3)))
struct GeneratedCodeTests {
    /// The generator with this package's plugins; `nil` when they are missing, since `swift build --build-tests` does
    /// not build them.
    static let generator: ProtoGenerator? = ProtoPlugins.built.map(ProtoGenerator.init)

    @Test(
        .protocPlugins,
        arguments: [
            ("user-service", nil), ("OrderItemService", nil), ("order", "acme.sales_order.v1beta1"),
            ("http-url-service", "x.v2"), ("box2-service", nil), ("address", nil),
            ("user-service", "pushService.V1_beta.class"), ("user-service", "_"), ("user-service", "_a._"),
            ("a-very-long-name-of-a-service-that-goes-on-and-on-service", nil),
        ] as [(String, String?)]
    )
    func protocWritesTheSame(_ name: String, package: String?) async throws {
        let generator = try #require(Self.generator)
        let directory = try TemporaryDirectory()
        let tree = try ServiceTemplateTests.tree(name, package: package)
        let api = "Sources/\(try ServiceName(name).apiTarget)/"
        let proto = try #require(tree.files.first { $0.path.hasSuffix(".proto") })
        let file = String(proto.path.dropFirst(api.count))
        try directory.write(String(decoding: proto.bytes, as: UTF8.self), to: file)
        let path = ProtoPath([.init(path: directory.path, origin: .api)] + ProtoPath.wellKnown)
        let code = try await generator.code(of: [file], in: ProtoCompiler(path: path).parse([file]), modules: [:])
        for kind in ["pb", "grpc", "servicekit", "descriptors"] {
            let name = file.replacing(".proto", with: ".\(kind).swift")
            let written = String(decoding: try #require(code.first { $0.path == name }).bytes, as: UTF8.self)
            let rendered = try ServiceTemplateTests.text(api + name, of: tree)
            if written != rendered {
                let lines = zip(written.split(separator: "\n"), rendered.split(separator: "\n"))
                let difference = lines.first { $0 != $1 }.map { "protoc: \($0)\ntemplate: \($1)" } ?? "its length"
                Issue.record("\(name) differs; run scripts/templates\n\(difference)")
            }
        }
    }
}
