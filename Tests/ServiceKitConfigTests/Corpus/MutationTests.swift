import FoundationEssentials
import ServiceKitTestSupport
import Testing

@testable import ServiceKitConfig

/// Documents of the corpus with random changes, through everything that a program does with its configuration: layers,
/// placeholders, decoding, the check for unknown keys, and the comparison of a reload.
///
/// None may crash or take memory for good, and every error is one line with a place. `KIT_TEST_MUTATION_SECONDS` makes the
/// test go on for so long, and print its counts. Default: 4,000 documents.
@Suite struct MutationTests {
    private static let seconds = ProcessInfo.processInfo.environment["KIT_TEST_MUTATION_SECONDS"].flatMap(Int.init)

    struct Settings: ConfigurationSection, Equatable {
        struct Listener: ConfigurationSection, Equatable {
            var listen = "127.0.0.1:80"
            var maxMessage: ByteCount = 1
            var idle: Duration?
            var weights: [String: Double] = [:]
            var nested: [Listener] = []
        }
        enum Policy: String, Codable, CaseIterable { case random, roundRobin = "round-robin" }

        var grpc = Listener()
        var tags: [String] = []
        var policy = Policy.random
        var limit: Int? = 5
        var isOn = false
        var password = Secret("")

        static let ranges = [OptionRange("limit", \Settings.limit, 1...1000)]
    }

    static let service = """
        a: &server
          grpc:
            listen: ${HOST:127.0.0.1}:${PORT}
            max-message: 16MiB
            idle: 1m30s
            weights: {eu: 0.5, us: 1e-3}
            nested: [{listen: "[::1]:${PORT}"}, {}]
          tags: [x, '${b.policy}', "${LIST}", "$${HOST}"]
          policy: round-robin
          limit: ${b.limit:10}
          is-on: true
          password: "@file:/run/${HOST:db}"
        b: {policy: random, limit: 0x10}
        c: {<<: *server, tags: "${LIST:a,b}", grpc: "${a.grpc}"}
        """

    @Test func theServiceItselfIsRead() throws {
        let settings = try Self.configuration(Array(Self.service.utf8)).decode(Settings.self, at: "a")
        #expect(settings.grpc.listen == "127.0.0.1:8080")
        #expect(settings.tags == ["x", "random", "p,q", "${HOST}"])
        #expect(settings.limit == 16)
        #expect(settings.password.value == "hunter2 of /run/db")
    }

    @Test(.timeLimit(.minutes(60))) func changedDocumentIsReadOrRefusedWithItsPlace() async throws {
        let start = ContinuousClock.now
        let end = Self.seconds.map { start + .seconds($0) }
        let seed = Self.seconds == nil ? 1 : UInt64.random(in: 0...UInt64.max)
        var mutator = Mutator(seed: seed)
        var tally = Tally()
        var memoryWhenWarm = 0
        while end.map({ .now < $0 }) ?? (tally.documents < 4000) {
            check(mutator.next(), &tally)
            // Other tests wait for the thread.
            if tally.documents.isMultiple(of: 16) { await Task.yield() }
            if tally.documents == 4000 { memoryWhenWarm = Self.residentBytes }
        }
        #expect(tally.read > tally.documents / 20 && tally.refused > tally.documents / 20, "\(tally)")
        guard Self.seconds != nil else { return }
        let memory = Self.residentBytes
        print("mutation: seed \(seed), \(tally), \(memoryWhenWarm >> 10) KiB when warm, \(memory >> 10) KiB at the end")
        #expect(memory < memoryWhenWarm + 64 << 20)
    }

    private struct Tally {
        var documents = 0
        var read = 0
        var refused = 0
    }

    private static func configuration(_ bytes: [UInt8]) throws(ConfigurationError) -> Configuration {
        let base = ConfigurationDocument(origin: "base", bytes: Array("a: {limit: 7}\nb: {limit: 8}".utf8))
        let environment = ["PORT": "8080", "LIST": "p,q", "KIT_A__LIMIT": "16"]
        return try LayerStack(
            documents: [base, ConfigurationDocument(origin: "fuzz", bytes: bytes)],
            environment: environment,
            overrides: ["b.is-on=true"]
        )
        .merged { path throws(ConfigurationError) in
            guard path.hasPrefix("/run/") else { throw ConfigurationError(message: "no such file") }
            return Array("hunter2 of \(path)\n".utf8)
        }
    }

    private func check(_ bytes: [UInt8], _ tally: inout Tally) {
        tally.documents += 1
        do throws(ConfigurationError) {
            let configuration = try Self.configuration(bytes)
            tally.read += 1
            for key in configuration.keys(at: "") where !key.contains(".") && !key.isEmpty {
                do throws(ConfigurationError) {
                    let settings = try configuration.decode(Settings.self, at: key)
                    #expect(try configuration.decode(Settings.self, at: key) == settings)
                } catch {
                    expectPlace(error, bytes)
                }
            }
            _ = configuration.outline
            do throws(ConfigurationError) { try configuration.checkForUnknownKeys() } catch {
                expectPlace(error, bytes)
            }
            #expect(configuration.hasSameValues(as: configuration))
        } catch {
            tally.refused += 1
            expectPlace(error, bytes)
        }
    }

    private func expectPlace(_ error: ConfigurationError, _ bytes: [UInt8]) {
        let isOfTheWhole = error.message.contains("larger than") || error.message.contains("%TAG")
        let isOneLine = !error.description.contains { $0.isNewline }
        guard let location = error.location, isOneLine,
            location.origin != "fuzz" || isOfTheWhole || location.line != nil
        else {
            Issue.record("\(error.description.debugDescription), of the document \(bytes)")
            return
        }
    }

    /// The resident memory of this process.
    private static var residentBytes: Int {
        let pages = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
        return (pages.flatMap { Int($0) } ?? 0) * 4096
    }
}

/// Random changes to the documents of the corpus.
struct Mutator {
    private static let largestDocument = 1 << 16
    private static let tokens =
        [
            "${", "}", "${a.", "${X:", "$${", "@file:", "<<: ", "&x ", "*x ", "? ", "- ", ": ", ", ", "[", "]", "{",
            "}", "|\n",
            ">-\n", "\"", "'", "\\", "\\u", "\r\n", "\n", "\n  ", "\t", "  ", "#", " #", "!!str ", "!", "%TAG ! x\n",
            "---\n",
            "...\n", "\u{FEFF}", "\0", "\u{2028}", "é", "😀", "0x", ".inf", "9223372036854775808", "~", "null", "a: ",
            "b",
        ].map { Array($0.utf8) }

    private var generator: SeededGenerator
    private let seeds =
        [Array(MutationTests.service.utf8), Array(YAMLFuzzTests.sample.utf8)]
        + CorpusDocument.all.map(\.bytes).filter { $0.count < 4096 }

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func next() -> [UInt8] {
        // Half of all documents come from the one with the most features.
        var bytes = Bool.random(using: &generator) ? seeds[0] : element(of: seeds)
        for _ in 0..<Int.random(in: 1...3, using: &generator) { change(&bytes) }
        return Array(bytes.prefix(Self.largestDocument))
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let range = slice(of: bytes)
        switch Int.random(in: 0..<9, using: &generator) {
        case 0: if !range.isEmpty { bytes[range.lowerBound] = .random(in: 0...255, using: &generator) }
        case 1: if !range.isEmpty { bytes[range.lowerBound] ^= 1 << UInt8.random(in: 0..<8, using: &generator) }
        case 2, 3: bytes.insert(contentsOf: element(of: Self.tokens), at: range.lowerBound)
        case 4: bytes.removeSubrange(range)
        case 5: bytes.replaceSubrange(range, with: element(of: Self.tokens))
        case 6: bytes.insert(contentsOf: bytes[range], at: slice(of: bytes).lowerBound)
        case 7:
            let other = element(of: seeds)
            bytes.insert(contentsOf: other[slice(of: other)], at: range.lowerBound)
        default:
            let count = Int.random(in: 1...64, using: &generator)
            bytes.insert(contentsOf: repeatElement(bytes[range], count: count).joined(), at: range.lowerBound)
        }
    }

    /// A random part of at most 40 bytes.
    private mutating func slice(of bytes: [UInt8]) -> Range<Int> {
        let start = Int.random(in: 0...bytes.count, using: &generator)
        return start..<min(bytes.count, start + Int.random(in: 0...40, using: &generator))
    }

    private mutating func element<Element>(of elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &generator)]
    }
}
