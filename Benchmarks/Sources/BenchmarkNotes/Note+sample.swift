import SwiftProtobuf

extension Benchmark_V1_Note {
    /// The note of every call: 121 bytes in the wire format.
    public static let sample = Benchmark_V1_Note.with {
        $0.id = 4711
        $0.title = "Minutes of the meeting"
        $0.text = "The registry keeps its leases; nobody loses a call."
        $0.score = 0.75
        $0.pinned = true
        $0.tags = ["registry", "draft"]
        $0.author.name = "Ada"
        $0.author.email = "ada@example.com"
    }
}
