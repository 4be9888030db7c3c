import Testing

@testable import ServiceKitConfig

/// A document of the corpus, and what becomes of it: its values, or the place and the words of the error.
///
/// The topics are those of the YAML test suite (<https://github.com/yaml/yaml-test-suite>) that a configuration can hold,
/// and the habits of people and editors. All documents are written for this project.
struct CorpusDocument: CustomTestStringConvertible, Sendable {
    enum Outcome: Sendable {
        /// The values, in the notation of ``ConfigurationNode/corpusText``.
        case read(String)
        /// The error's line and column, such as `2:3`, and a part of its message.
        case refused(at: String, String)
    }

    var name: String
    var bytes: [UInt8]
    var outcome: Outcome

    init(_ name: String, _ bytes: [UInt8], _ outcome: Outcome) {
        self.name = name
        self.bytes = bytes
        self.outcome = outcome
    }

    init(_ name: String, _ yaml: String, _ outcome: Outcome) {
        self.init(name, Array(yaml.utf8), outcome)
    }

    var testDescription: String { name }

    static let all = structure + text + scalars + anchors + encodings + broken
}

/// Every document of the corpus is read as documented, or refused with its place.
@Suite struct CorpusTests {
    @Test(arguments: CorpusDocument.all) func documentIsReadOrRefusedAsExpected(_ document: CorpusDocument) {
        let result = Result { () throws(ConfigurationError) in
            try Configuration(bytes: document.bytes, origin: "c.yaml").root.corpusText
        }
        switch (result, document.outcome) {
        case (.success(let values), .read(let expected)):
            #expect(values == expected)
        case (.failure(let error), .refused(let place, let words)):
            #expect(error.location?.description == "c.yaml:\(place)", "\(error)")
            #expect(error.message.contains(words), "\(error)")
        case (.success(let values), .refused):
            Issue.record("read as \(values)")
        case (.failure(let error), .read):
            Issue.record("refused: \(error)")
        }
    }

    @Test func namesAreUnique() {
        let names = CorpusDocument.all.map(\.name)
        #expect(Set(names).count == names.count)
    }
}

extension ConfigurationNode {
    /// The values on one line: `{a: 1, b: "text in quotes or a block", c: [~]}`.
    var corpusText: String {
        switch content {
        case .scalar(let scalar) where scalar.isNull: "~"
        case .scalar(let scalar): scalar.form == .quoted ? scalar.text.debugDescription : scalar.text
        case .sequence(let elements): "[\(elements.map(\.corpusText).joined(separator: ", "))]"
        case .mapping(let mapping):
            "{\(mapping.entries.map { "\($0.key): \($0.value.corpusText)" }.joined(separator: ", "))}"
        }
    }
}
