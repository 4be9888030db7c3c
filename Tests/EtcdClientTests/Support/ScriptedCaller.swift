import GRPCCore
import ServiceKit
import SwiftProtobuf

@testable import EtcdClient

/// A member whose answers a test defines.
final class ScriptedCaller: Caller {
    /// A call with one request and one response.
    struct Call: Sendable {
        let method: String
        let request: any Message
        let metadata: Metadata
        let timeout: Duration

        /// The token of the call.
        var token: String? { metadata[stringValues: "token"].first { _ in true } }
    }

    /// Gives the response, or throws.
    typealias Answer = @Sendable (Call) async throws -> any Message
    /// A stream: takes a request and gives responses.
    typealias Stream = @Sendable (_ call: Call, _ respond: (any Message) async throws -> Void) async throws -> Void

    struct WrongMessage: Error {}

    private let answer: Answer
    private let stream: Stream
    /// All calls so far, the oldest first.
    let calls = Watched<[Call]>([])

    init(_ answer: @escaping Answer, stream: @escaping Stream = { _, _ in }) {
        self.answer = answer
        self.stream = stream
    }

    /// A member with the same answer to every call.
    static func always(_ result: Result<any Message, any Error>) -> ScriptedCaller {
        ScriptedCaller { _ in try result.get() }
    }

    /// The names of the called methods.
    var methods: [String] { calls.value.map(\.method) }

    func run() async throws {}

    func shutdown() {}

    /// Whether the member is connected. Default: yes.
    let isConnected = Watched(true)

    var reachability: Reachability { isConnected.value ? .connected : .connecting }

    func waitForAttempt() async { _ = await isConnected.first(where: \.self) }

    func unary<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        _ request: Input,
        metadata: Metadata,
        timeout: Duration
    ) async throws -> Output {
        let call = Call(method: method.name, request: request, metadata: metadata, timeout: timeout)
        calls.update { $0.append(call) }
        guard let output = try await answer(call) as? Output else { throw WrongMessage() }
        return output
    }

    func stream<Input: Message, Output: Message>(
        _ method: EtcdMethod<Input, Output>,
        metadata: Metadata,
        produce:
            nonisolated(nonsending) @escaping @Sendable (
                _ send: nonisolated(nonsending) @Sendable (Input) async throws -> Void
            ) async throws -> Void,
        consume: nonisolated(nonsending) @escaping @Sendable (Output) async throws -> Void
    ) async throws {
        let call = Call(method: method.name, request: Input(), metadata: metadata, timeout: .zero)
        calls.update { $0.append(call) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await produce { _ in } }
            defer { group.cancelAll() }
            try await stream(call) { response in
                guard let output = response as? Output else { throw WrongMessage() }
                try await consume(output)
            }
        }
    }
}
