import Foundation
import Testing

/// The documentation pages of the modules, and the tests that compile their examples.
@Suite struct DocumentationTests {
    /// The file that compiles the examples of each product's page.
    static let guides = [
        "ServiceKit": "ServiceKitTests/App/GuideTests.swift",
        "ServiceKitAuth": "ServiceKitAuthTests/GuideTests.swift",
        "ServiceKitCommand": "KitTests/GuideTests.swift",
        "ServiceKitConfig": "ServiceKitConfigTests/GuideTests.swift",
        "ServiceKitConfigProvider": "ServiceKitConfigProviderTests/GuideTests.swift",
        "ServiceKitEtcd": "ServiceKitEtcdTests/GuideTests.swift",
        "ServiceKitGRPC": "ServiceKitGRPCTests/GuideTests.swift",
        "ServiceKitHTTP": "ServiceKitHTTPTests/GuideTests.swift",
        "ServiceKitHTTPClient": "ServiceKitHTTPClientTests/GuideTests.swift",
        "ServiceKitHummingbird": "../Examples/Sources/pages/Pages.swift",
        "ServiceKitTesting": "ServiceKitTests/TestingGuideTests.swift",
        "EtcdClient": "EtcdClientTests/Server/GuideTests.swift",
        "GRPCNghttp2Transport": "GRPCNghttp2TransportTests/GuideTests.swift",
    ]

    /// The file that compiles the examples of each page.
    static let pages = Dictionary(
        uniqueKeysWithValues: guides.map { ("Sources/\($0)/Documentation.docc/\($0).md", $1) })

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        .standardizedFileURL

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// A line of code without indentation and comment, and without words that only a program or only a test needs.
    private static func code(_ line: Substring) -> String {
        line.replacing(#/(^|\s)//.*/#, with: "").replacing(#/^\s*(@main |private |static )*/#, with: "")
            .trimmingCharacters(in: .whitespaces)
    }

    @Test func everyProductHasAPage() throws {
        let products = try Self.text("Package.swift").matches(of: #/\.library\(name: "(\w+)"/#).map {
            String($0.output.1)
        }
        #expect(products.sorted() == Self.guides.keys.sorted())
    }

    /// Each line of an example stands in the file that compiles it.
    @Test(arguments: pages.keys.sorted())
    func examplesOfThePageAreCompiled(_ page: String) throws {
        let examples = try Self.text(page).matches(of: #/```swift\n([\s\S]*?)```/#).map { $0.output.1 }
        #expect(!examples.isEmpty)
        let compiled = Set(
            try Self.text("Tests/\(try #require(Self.pages[page]))").split(separator: "\n").map(Self.code))
        let lines = examples.flatMap { $0.split(separator: "\n") }.map(Self.code)
        #expect(lines.filter { $0.contains(#/\w/#) && !$0.hasPrefix("import ") && !compiled.contains($0) } == [])
    }
}
