@testable import ServiceKitConfig
import ServiceKitTestSupport
import Testing

/// Random documents. None may crash the parser, and every error has a place.
@Suite struct YAMLFuzzTests {
    static let sample = """
        %YAML 1.1
        ---
        # A comment
        server: &server
          grpc: {listen: "0.0.0.0:9000", max-message: 16MiB}
          tags: [a, 'b', "c\\n\\u00e9", !!str 5]
          text: |
            several
            lines
          folded: >-
            more
            lines
        other:
          <<: *server
          ? key
          : значение
          empty:
          nested:
            - - 1
              - 2.5
            - {a: ~}
            - *server
        ...
        """

    struct Settings: ConfigurationSection {
        struct Listener: ConfigurationSection {
            var listen = ""
            var maxMessage: ByteCount = 1
        }
        var grpc = Listener()
        var tags: [String] = []
        var text: String?
        var folded = ""
    }

    @Test func theSampleItselfIsFine() throws {
        let settings = try Configuration(yaml: Self.sample).decode(Settings.self, at: "server")
        #expect(settings.grpc.maxMessage == .mebibytes(16))
        #expect(settings.tags == ["a", "b", "c\né", "5"])
        #expect(settings.text == "several\nlines\n")
        #expect(settings.folded == "more lines")
    }

    @Test func truncatedDocumentIsReadOrRefused() {
        let bytes = Array(Self.sample.utf8)
        for length in bytes.indices {
            check(Array(bytes[..<length]))
        }
    }

    @Test(arguments: 0..<4)
    func changedDocumentsAreReadOrRefused(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let bytes = Array(Self.sample.utf8)
        for _ in 0..<1000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let index = changed.indices.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: changed[index] = .random(in: 0...255, using: &generator)
                case 1: changed[index] = Self.syntax.randomElement(using: &generator) ?? 0
                case 2: changed.remove(at: index)
                default: changed.insert(contentsOf: changed[index...].prefix(20), at: index)
                }
            }
            check(changed)
        }
    }

    @Test func noiseIsReadOrRefused() {
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<2000 {
            let length = Int.random(in: 0..<200, using: &generator)
            check((0..<length).map { _ in Self.syntax.randomElement(using: &generator) ?? 0 })
            check((0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) })
        }
    }

    private static let syntax = Array("{}[]:,-?&*!|>'\"%@`#~<=\n\t ab0.\\".utf8)

    /// Reads bytes that may not be UTF-8.
    private func check(_ bytes: [UInt8]) {
        do throws(ConfigurationError) {
            let configuration = try Configuration(bytes: bytes, origin: "fuzz")
            for key in configuration.keys(at: "") where !key.contains(".") {
                do throws(ConfigurationError) {
                    _ = try configuration.decode(Settings.self, at: key)
                } catch {
                    expectOneLine(error)
                    #expect(error.location != nil, "\(error)")
                }
            }
        } catch {
            expectOneLine(error)
            #expect(error.location?.line != nil, "\(error)")
            #expect(error.location?.column != nil, "\(error)")
        }
    }

    private func expectOneLine(_ error: ConfigurationError) {
        #expect(!error.description.contains { $0.isNewline })
    }
}
