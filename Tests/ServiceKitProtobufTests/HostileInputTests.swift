import ServiceKitTestSupport
import SwiftProtobuf
import Testing

@testable import ServiceKitProtobuf

/// Input that is not a message gives an error, never a crash.
@Suite(.timeLimit(.minutes(1))) struct HostileInputTests {
    /// A message that can be read can be written, and reads back the same.
    private func check(_ bytes: [UInt8]) throws {
        guard let message = try? DynamicMessage(bytes, as: Samples.kinds, in: Samples.pool) else { return }
        let written = try message.serialized(in: Samples.pool)
        let again = try DynamicMessage(written, as: Samples.kinds, in: Samples.pool)
        #expect(try again.serialized(in: Samples.pool) == written)
        guard let json = try? message.json(in: Samples.pool) else { return }
        _ = try? DynamicMessage(json: json, as: Samples.kinds, in: Samples.pool)
    }

    @Test func arbitraryBytes() throws {
        var numbers = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<40, using: &numbers)
            try check((0..<count).map { _ in UInt8.random(in: 0...255, using: &numbers) })
        }
    }

    @Test func messagesWithFlippedAndMissingBytes() throws {
        var numbers = SeededGenerator(seed: 2)
        for (_, message) in Samples.messages {
            let original: [UInt8] = try message.serializedBytes()
            if original.isEmpty { continue }
            for _ in 0..<1000 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...3, using: &numbers) {
                    bytes[Int.random(in: 0..<bytes.count, using: &numbers)] = .random(in: 0...255, using: &numbers)
                }
                try check(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &numbers))))
            }
        }
    }

    @Test func documentsWithFlippedBytes() throws {
        var numbers = SeededGenerator(seed: 3)
        for (_, message) in Samples.messages {
            let original = Array(try message.jsonString().utf8)
            for _ in 0..<1000 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...3, using: &numbers) {
                    bytes[Int.random(in: 0..<bytes.count, using: &numbers)] = .random(in: 0...255, using: &numbers)
                }
                var parser = JSONParser(bytes)
                while let json = try? parser.next() {
                    _ = try? DynamicMessage(json: json, as: Samples.kinds, in: Samples.pool)
                }
            }
        }
    }

    @Test func changedBytesAreReadLikeGeneratedCode() throws {
        var numbers = SeededGenerator(seed: 4)
        var agreed = 0
        for (_, message) in Samples.messages {
            let original: [UInt8] = try message.serializedBytes()
            if original.isEmpty { continue }
            for _ in 0..<300 {
                var bytes = original
                bytes[Int.random(in: 0..<bytes.count, using: &numbers)] = .random(in: 0...255, using: &numbers)
                guard let theirs = try? Kinds_V1_Kinds(serializedBytes: bytes, options: .strict),
                    let ours = try? DynamicMessage(bytes, as: Samples.kinds, in: Samples.pool)
                else { continue }
                // Both drop unknown fields.
                let written = try ours.serialized(in: Samples.pool)
                let again = try Kinds_V1_Kinds(serializedBytes: written, options: .strict)
                // Compared as text, since NaN equals nothing.
                #expect(again.textFormatString() == theirs.textFormatString())
                agreed += 1
            }
        }
        #expect(agreed > 500)
    }

    @Test func nestingIsBounded() throws {
        var message: [UInt8] = []
        for _ in 0..<DynamicMessage.maxDepth {
            var writer = WireWriter()
            writer.tag(100, .delimited)
            writer.delimited(message)
            message = writer.bytes
        }
        #expect(throws: DescriptorError("kinds.v1.Kinds is nested more than 100 deep")) {
            try DynamicMessage(message, as: Samples.kinds, in: Samples.pool)
        }
        let json = String(repeating: #"{"deeper":"#, count: 99) + "{}" + String(repeating: "}", count: 99)
        _ = try DynamicMessage(json: try JSONParser.parse(json), as: Samples.kinds, in: Samples.pool)
        #expect(throws: DescriptorError.self) { try JSONParser.parse(String(repeating: "[", count: 100_000)) }
    }

    @Test func groupsAreBounded() {
        let groups = [UInt8](repeating: 0x0B, count: 100_000)
        #expect(throws: DescriptorError.self) { try DynamicMessage(groups, as: Samples.kinds, in: Samples.pool) }
    }
}

extension BinaryDecodingOptions {
    fileprivate static var strict: BinaryDecodingOptions {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        return options
    }
}
