public import GRPCCore

/// The methods of every server of a benchmark, described as generated code does it.
public enum BenchmarkMethod {
    /// Unary: answers with the bytes of the request.
    public static let echo = MethodDescriptor(
        fullyQualifiedService: "benchmark.Benchmark", method: "Echo", type: .unary
    )

    /// Server streaming: answers with as many messages as ``StreamRequest`` says.
    public static let stream = MethodDescriptor(
        fullyQualifiedService: "benchmark.Benchmark", method: "Stream", type: .serverStreaming
    )
}

/// The request of ``BenchmarkMethod/stream``.
public struct StreamRequest: Sendable, Equatable {
    /// How many messages the server sends.
    public var messages: Int

    /// How many bytes each of them has.
    public var bytes: Int

    /// Asks for `messages` messages of `bytes` bytes.
    public init(messages: Int, bytes: Int) {
        self.messages = messages
        self.bytes = bytes
    }

    /// Reads a request in the form of ``encoded``.
    ///
    /// - Throws: An `RPCError` with code `invalidArgument` if the request is not two numbers.
    public init(_ encoded: [UInt8]) throws {
        let numbers = String(decoding: encoded, as: UTF8.self).split(separator: " ").compactMap { Int($0) }
        guard numbers.count == 2, numbers.allSatisfy({ $0 >= 0 }) else {
            throw RPCError(code: .invalidArgument, message: "the request of a stream is two numbers: MESSAGES BYTES")
        }
        self.init(messages: numbers[0], bytes: numbers[1])
    }

    /// The request as the message that goes to the server.
    public var encoded: [UInt8] { Array("\(self.messages) \(self.bytes)".utf8) }
}
