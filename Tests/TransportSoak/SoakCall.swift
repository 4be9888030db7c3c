#if DEBUG
import GRPCCore
import Synchronization

/// One call, with random parameters.
struct SoakCall: Sendable {
    struct WrongAnswer: Error {
        var description: String
    }

    var kind: SoakService.Method
    /// Whether the server has a direct handler for it.
    var isDirect: Bool
    var message: [UInt8]
    var messages: Int
    /// The number of answers after which the caller leaves a stream.
    var answers: Int
    var options: CallOptions
    /// The time after which the caller gives up; `nil` if it does not.
    var patience: Duration?

    init(using generator: inout SoakRandom) {
        kind = SoakService.Method.allCases.randomElement(using: &generator) ?? .echo
        isDirect = generator.oneIn(2)
        message = generator.bytes(generator.size())
        messages = message.count > 20_000 ? 3 : Int.random(in: 0...60, using: &generator)
        if message.count > 5_000 {
            // As many bytes as a call with small messages has.
            message[0] %= 4
        }
        answers = generator.oneIn(3) ? Int.random(in: 1...20, using: &generator) : .max
        options = .defaults
        if generator.oneIn(3) {
            options.compression = generator.oneIn(2) ? .gzip : .deflate
        }
        if generator.oneIn(4) || kind == .hang {
            options.timeout = .microseconds(Int.random(in: 1...200_000, using: &generator))
        }
        if generator.oneIn(2) {
            options.waitForReady = true
        }
        if generator.oneIn(3) {
            patience = .microseconds(generator.oneIn(8) ? 0 : Int.random(in: 1...100_000, using: &generator))
        }
    }

    func run(_ client: any SoakClient) async throws {
        let method = kind.descriptor(isDirect: isDirect)
        let produce: @Sendable (RPCWriter<[UInt8]>) async throws -> Void = { [message, messages] writer in
            for _ in 0..<messages { try await writer.write(message) }
        }
        switch kind {
        case .echo:
            try expect(try await client.unary(method, message, options) == message, "an echo")
        case .sum:
            let sum = try await client.clientStreaming(method, options, produce)
            try expect(sum == Array("\(messages * message.count)".utf8), "a sum")
        case .count:
            let count = Mutex(0)
            try await client.serverStreaming(method, message, options, first: answers) {
                try note($0)
                count.withLock { $0 += 1 }
            }
            try expect(count.withLock(\.self) == min(answers, Int(message.first ?? 0)), "a number of messages")
        case .chat:
            let count = Mutex(0)
            try await client.bidirectionalStreaming(method, options, produce) {
                try note($0)
                count.withLock { $0 += 1 }
            }
            try expect(count.withLock(\.self) == messages, "a number of echoes")
        case .hang:
            _ = try await client.unary(method, message, options)
        }
    }

    private func note(_ answer: [UInt8]) throws {
        try expect(answer == message, "a message of a stream")
    }

    private func expect(_ isRight: Bool, _ what: String) throws {
        guard isRight else { throw WrongAnswer(description: "\(what) of a call of kind \(kind) is wrong") }
    }
}
#endif
