import Foundation
import ServiceKit
import ServiceKitAuth
import ServiceKitConfig
import ServiceKitEtcd
import ServiceKitHTTP
import ServiceKitGRPC
import Testing

@testable import ServiceKitCommand

/// Compares `docs/options.md` with the types: the table has each option that the kit reads, with its default, range and
/// meaning, and no other.
@Suite struct OptionReferenceTests {
    /// The options that an App, its modules and all linked registries read.
    static func options() -> [OptionDescription] {
        let configuration = Configuration()
        ConfigurationSections(plugins: [.auth, .etcd, .http, .grpc]).register(in: configuration)
        return configuration.options
    }

    /// The rows `| key | default | range | meaning |` of the page's tables.
    static func rows() throws -> [[String]] {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/options.md")
        return try String(contentsOf: page.standardizedFileURL, encoding: .utf8)
            .split(separator: "\n").filter { $0.hasPrefix("| `") }
            .map { line in
                line.dropFirst(1).dropLast(1).split(separator: "|", omittingEmptySubsequences: false)
                    .map { $0.trimmingCharacters(in: .whitespaces) }
            }
    }

    @Test func everyOptionHasItsRowAndEveryRowItsOption() throws {
        let rows = try Self.rows().map { $0.first ?? "" }
        let keys = Self.options().map { "`\($0.path)`" }
        #expect(Set(rows).count == rows.count, "a key has two rows")
        #expect(Set(keys).subtracting(rows).sorted() == [], "options without a row")
        #expect(Set(rows).subtracting(keys).sorted() == [], "rows without an option")
    }

    @Test func everyRowTellsTheDefaultAndTheRangeOfTheType() throws {
        let options = Self.options()
        for row in try Self.rows() {
            try #require(row.count == 4, "\(row)")
            guard let option = options.first(where: { "`\($0.path)`" == row[0] }) else { continue }
            if let value = option.defaultValue {
                #expect(row[1] == "`\(value)`", "the default of \(option.path)")
            } else {
                // Words: the absence of a value means something else for each option.
                #expect(!row[1].hasPrefix("`"), "\(option.path) has no default")
            }
            #expect(row[2] == option.bounds?.text ?? "", "the range of \(option.path)")
            #expect(row[3] == option.help, "the meaning of \(option.path)")
        }
    }
}
