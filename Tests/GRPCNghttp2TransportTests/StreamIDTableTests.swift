import NIOPosix
import ServiceKitTestSupport
import Testing

@testable import ServiceKitHTTP2

@Suite struct StreamIDTableTests {
    /// A dictionary beside the table, under changes at random.
    @Test(arguments: 1...5 as ClosedRange<UInt64>) func tableHasTheStreamsOfADictionary(_ seed: UInt64) {
        let connection = HTTP2Connection(
            config: .test(role: .server(maxConcurrentStreams: 1), limits: .defaults),
            scheduler: LoopScheduler(loop: MultiThreadedEventLoopGroup.singleton.next()),
            delegate: NoDelegate()
        )
        var random = SeededGenerator(seed: seed)
        var table = StreamIDTable()
        var dictionary: [Int32: HTTP2Stream] = [:]
        var next: Int32 = 1
        for _ in 0..<2000 {
            if Int.random(in: 0..<100, using: &random) < 52 {
                let stream = HTTP2Stream(connection: connection)
                stream.id = next
                // A peer may leave numbers out.
                next += Bool.random(using: &random) ? 2 : 2 * Int32.random(in: 1...40, using: &random)
                table.insert(stream)
                dictionary[stream.id] = stream
            } else {
                let id = dictionary.keys.sorted().randomElement(using: &random) ?? 7
                #expect(table.remove(id) === dictionary.removeValue(forKey: id))
                #expect(table[id] == nil && table.remove(id) == nil)
            }
            #expect(table.count == dictionary.count && table.isEmpty == dictionary.isEmpty)
        }
        for (id, stream) in dictionary { #expect(table[id] === stream) }
        #expect(Set(table.removeAll().map(\.id)) == Set(dictionary.keys))
        #expect(table.isEmpty && table[1] == nil)
    }
}

private final class NoDelegate: HTTP2ConnectionDelegate {
    func connectionReady(_ connection: HTTP2Connection) {}
    func connection(_ connection: HTTP2Connection, isDraining reason: String) {}
    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream, headers: HeaderBlock?) {}
    func connectionReadComplete(_ connection: HTTP2Connection) {}
    func connection(_ connection: HTTP2Connection, closed reason: String) {}
}
