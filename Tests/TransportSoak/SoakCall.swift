import GRPCCore

/// One call, with random parameters.
struct SoakCall: Sendable {
    enum Kind: CaseIterable {
        case echo, sum, count, chat, hang
    }

    struct WrongAnswer: Error {
        var description: String
    }

    var kind: Kind
    var message: [UInt8]
    var messages: Int
    var options: CallOptions
    /// The time after which the caller gives up; `nil` if it does not.
    var patience: Duration?

    init(using generator: inout SoakRandom) {
        kind = Kind.allCases.randomElement(using: &generator) ?? .echo
        message = generator.bytes(generator.size())
        messages = message.count > 20_000 ? 3 : Int.random(in: 0...60, using: &generator)
        if message.count > 5_000 {
            // As many bytes as a call with small messages has.
            message[0] %= 4
        }
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
        if generator.oneIn(4) {
            patience = .microseconds(Int.random(in: 1...100_000, using: &generator))
        }
    }

    func run(_ client: GRPCClient<some ClientTransport>) async throws {
        let request = ClientRequest(message: self.message)
        let requests = StreamingClientRequest<[UInt8]> { [message, messages] writer in
            for _ in 0..<messages { try await writer.write(message) }
        }
        switch kind {
        case .echo:
            let answer = try await client.unary(
                request: request, descriptor: SoakService.echo, serializer: Bytes(), deserializer: Bytes(),
                options: self.options
            ) { try $0.message }
            try expect(answer == self.message, "an echo")
        case .sum:
            let answer = try await client.clientStreaming(
                request: requests, descriptor: SoakService.sum, serializer: Bytes(), deserializer: Bytes(),
                options: self.options
            ) { try $0.message }
            try expect(answer == Array("\(self.messages * self.message.count)".utf8), "a sum")
        case .count:
            let count = try await client.serverStreaming(
                request: request, descriptor: SoakService.count, serializer: Bytes(), deserializer: Bytes(),
                options: self.options
            ) { try await countAnswers($0.messages) }
            try expect(count == Int(self.message.first ?? 0), "a number of messages")
        case .chat:
            let count = try await client.bidirectionalStreaming(
                request: requests, descriptor: SoakService.chat, serializer: Bytes(), deserializer: Bytes(),
                options: self.options
            ) { try await countAnswers($0.messages) }
            try expect(count == self.messages, "a number of echoes")
        case .hang:
            _ = try await client.unary(
                request: request, descriptor: SoakService.hang, serializer: Bytes(), deserializer: Bytes(),
                options: self.options
            ) { try $0.message }
        }
    }

    private func countAnswers(_ answers: RPCAsyncSequence<[UInt8], any Error>) async throws -> Int {
        var count = 0
        for try await answer in answers {
            try expect(answer == message, "a message of a stream")
            count += 1
        }
        return count
    }

    private func expect(_ isRight: Bool, _ what: String) throws {
        guard isRight else { throw WrongAnswer(description: "\(what) of a call of kind \(kind) is wrong") }
    }
}
