import Foundation
import ServiceKitProtobuf
import SwiftProtobuf

/// A message whose conversion is measured.
struct Shape: Sendable {
    let name: String
    /// Measures a conversion. Returns its CPU time in nanoseconds, and the size of the JSON.
    let measure:
        @Sendable (
            _ direction: JSONBench.Direction, _ side: JSONBench.Side, _ tables: MessageTables, _ seconds: Double
        ) throws -> (nanoseconds: Double, bytes: Int)

    private init<Content: Message & Equatable>(_ name: String, _ message: Content) {
        self.name = name
        measure = { direction, side, tables, seconds in
            let transcoder = try JSONTranscoder(Content.protoMessageName, in: tables)
            let wire: [UInt8] = try message.serializedBytes()
            let json: [UInt8] = try message.jsonUTF8Bytes()
            let isSame =
                try Content(jsonUTF8Bytes: transcoder.encode(wire)) == message
                && Content(serializedBytes: transcoder.decode(json)) == message
            guard isSame else { throw JSONBench.Failure(description: "\(name): the kit's JSON is another message") }
            let nanoseconds =
                switch (direction, side) {
                case (.encode, .kit):
                    try JSONBench.measure(seconds) { try transcoder.encode(wire).count }
                case (.decode, .kit):
                    try JSONBench.measure(seconds) { try transcoder.decode(json).count }
                case (.encode, .swiftProtobuf):
                    try JSONBench.measure(seconds) {
                        (try Content(serializedBytes: wire).jsonUTF8Bytes() as [UInt8]).count
                    }
                case (.decode, .swiftProtobuf):
                    try JSONBench.measure(seconds) {
                        (try Content(jsonUTF8Bytes: json).serializedBytes() as [UInt8]).count
                    }
                }
            return (nanoseconds, json.count)
        }
    }

    static let all = [
        Shape("note", note(1)),
        Shape("notebook", Json_V1_Notebook.with { $0.notes = (0..<100).map(note) }),
        Shape("texts", Json_V1_Texts.with { $0.values = (0..<200).map { "The registry keeps the lease \($0)." } }),
        Shape("prose", Json_V1_Texts.with { $0.values = [String(repeating: prose, count: 40)] }),
        Shape("maps", maps),
        Shape("doubles", Json_V1_Doubles.with { $0.values = (0..<200).map { sin(Double($0)) * 1000 } }),
        Shape("prices", Json_V1_Doubles.with { $0.values = (0..<200).map { Double($0 * 7919 % 100_000) / 100 } }),
        Shape("integers", Json_V1_Integers.with { $0.values = (0..<200).map { $0 * 7_919_000_000_123 } }),
        Shape("known", known),
    ]

    private static let prose = "She said: \"Nobody loses a call – not one.\"\nÉtonnant, 漢字かな, 😀.\n"

    private static func note(_ number: Int) -> Json_V1_Note {
        .with {
            $0.id = 4711 + Int64(number)
            $0.title = "Minutes of the meeting"
            $0.text = "The registry keeps its leases; nobody loses a call."
            $0.score = 0.75
            $0.pinned = true
            $0.tags = ["registry", "draft"]
            $0.author.name = "Ada"
            $0.author.email = "ada@example.com"
        }
    }

    private static let maps = Json_V1_Maps.with {
        for number in 0..<50 {
            $0.numbers["key-\(number)"] = Int32(number * 1000)
            $0.authors[Int64(number) * 1_000_003] = note(number).author
        }
    }

    private static let known = Json_V1_Known.with {
        $0.created = .init(seconds: 1_700_000_000, nanos: 5_000_000)
        $0.changed = (0..<20).map { .init(seconds: 1_700_000_000 + $0 * 86_399, nanos: 0) }
        $0.age = .init(seconds: 3, nanos: 500_000_000)
        $0.mask.paths = ["title", "author.name", "created"]
        $0.labels = ["zone": "eu-1", "weight": 1.5, "canary": true]
        $0.limit = 100
        $0.cursor = "bm90ZS00NzEx"
        $0.digest = Data((0..<32).map { $0 * 7 })
    }
}
