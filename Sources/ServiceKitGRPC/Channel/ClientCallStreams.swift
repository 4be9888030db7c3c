internal import GRPCCore
internal import ServiceKit

/// The response of a call, as gRPC reads it.
struct CallParts: AsyncSequence, Sendable {
    typealias Element = RPCResponsePart<[UInt8]>
    typealias Failure = any Error

    let call: ClientCall

    func makeAsyncIterator() -> Iterator {
        Iterator(call: call)
    }

    struct Iterator: AsyncIteratorProtocol {
        let call: ClientCall

        mutating func next() async throws -> Element? {
            try await call.next()
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Element? {
            try await call.next()
        }
    }
}

/// The request of a call, as gRPC writes it.
struct RequestWriter: ClosableRPCWriterProtocol {
    typealias Element = RPCRequestPart<[UInt8]>

    let call: ClientCall

    func write(_ element: Element) async throws {
        switch element {
        case .metadata(let metadata): await call.write(metadata)
        case .message(let message): try await call.write(message)
        }
    }

    func write(contentsOf elements: some Sequence<Element>) async throws {
        for element in elements { try await write(element) }
    }

    func finish() async {
        call.finishRequest()
    }

    func finish(throwing error: any Error) async {
        // gRPC wraps what the producer of a request throws.
        let isCancellation = (error as? RPCError)?.cause is CancellationError
        call.failRequest(with: RPCError(describing: isCancellation ? CancellationError() : error))
    }
}
