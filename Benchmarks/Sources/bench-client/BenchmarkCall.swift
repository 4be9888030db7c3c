import BenchmarkSupport
import GRPCCore
import GRPCProtobuf
import ServiceKitGRPC
import SwiftProtobuf

/// One kind of call, with a check of the answer.
protocol BenchmarkCall: Sendable {
    /// How many messages come back.
    var messagesPerCall: Int { get }

    /// The bytes of the messages in both directions.
    var bytesPerCall: Int { get }

    /// Makes one call.
    ///
    /// - Parameter thorough: Whether to look at each byte of the answer. With large messages that would be a good part
    ///   of the measured time; otherwise the size and both ends of each message are looked at.
    /// - Throws: The error of the call, or ``WrongAnswer``.
    func run(thorough: Bool) async throws
}

/// An error: an answer differs from the request.
struct WrongAnswer: Error, CustomStringConvertible {
    var description: String
}

/// A unary call that has its message sent back.
struct EchoCall<Transport: ClientTransport>: BenchmarkCall {
    private let client: GRPCClient<Transport>
    private let request: [UInt8]

    init(client: GRPCClient<Transport>, bytes: Int) {
        self.client = client
        self.request = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    }

    var messagesPerCall: Int { 1 }
    var bytesPerCall: Int { 2 * self.request.count }

    func run(thorough: Bool) async throws {
        let answer = try await self.client.unary(
            request: ClientRequest(message: self.request),
            descriptor: BenchmarkMethod.echo,
            serializer: RawBytesSerializer(),
            deserializer: RawBytesDeserializer(),
            options: .defaults
        ) { response in
            try response.message
        }
        guard
            answer.count == self.request.count,
            answer.first == self.request.first,
            answer.last == self.request.last,
            !thorough || answer == self.request
        else {
            throw WrongAnswer(description: "an echo of \(self.request.count) bytes came back as \(answer.count) others")
        }
    }
}

/// A unary call that has its message sent back, as a stub makes it.
struct DirectEchoCall: BenchmarkCall {
    /// The bytes around the value in a message: its tag and its length.
    private static let overhead = 2

    private let channel: ServiceChannel
    private let request: Google_Protobuf_BytesValue

    init(channel: ServiceChannel, bytes: Int) {
        self.channel = channel
        let value = (0..<bytes - Self.overhead).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        self.request = .with { $0.value.append(contentsOf: value) }
    }

    var messagesPerCall: Int { 1 }
    var bytesPerCall: Int { 2 * (self.request.value.count + Self.overhead) }

    func run(thorough: Bool) async throws {
        let answer: Google_Protobuf_BytesValue = try await self.channel.unary(
            self.request,
            BenchmarkMethod.echo,
            serializer: ProtobufSerializer(),
            deserializer: ProtobufDeserializer()
        )
        guard
            answer.value.count == self.request.value.count,
            answer.value.first == self.request.value.first,
            answer.value.last == self.request.value.last,
            !thorough || answer == self.request
        else {
            throw WrongAnswer(
                description: "an echo of \(self.request.value.count) bytes came back as \(answer.value.count) others"
            )
        }
    }
}

/// A call that has messages streamed back.
struct StreamCall<Transport: ClientTransport>: BenchmarkCall {
    let client: GRPCClient<Transport>
    let request: StreamRequest

    var messagesPerCall: Int { self.request.messages }
    var bytesPerCall: Int { self.request.messages * self.request.bytes }

    func run(thorough: Bool) async throws {
        let wanted = self.request
        try await self.client.serverStreaming(
            request: ClientRequest(message: wanted.encoded),
            descriptor: BenchmarkMethod.stream,
            serializer: RawBytesSerializer(),
            deserializer: RawBytesDeserializer(),
            options: .defaults
        ) { response in
            let x = UInt8(ascii: "x")
            var count = 0
            for try await message in response.messages {
                count += 1
                guard
                    message.count == wanted.bytes, message.first == x, message.last == x,
                    !thorough || message.allSatisfy({ $0 == x })
                else {
                    throw WrongAnswer(description: "message \(count) of a stream is not the \(wanted.bytes) bytes sent")
                }
            }
            guard count == wanted.messages else {
                throw WrongAnswer(description: "\(count) messages came of the \(wanted.messages) of a stream")
            }
        }
    }
}
