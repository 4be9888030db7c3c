import GRPCCore

/// The messages of a request, after its metadata.
struct ServerInbound: AsyncSequence, Sendable {
    typealias Element = RPCRequestPart<[UInt8]>
    typealias Failure = any Error

    let call: ServerCall

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(call: call)
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let call: ServerCall
        private var hasReadMetadata = false

        init(call: ServerCall) {
            self.call = call
        }

        mutating func next() async throws -> RPCRequestPart<[UInt8]>? {
            try await self.next(isolation: nil)
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> RPCRequestPart<[UInt8]>? {
            guard hasReadMetadata else {
                hasReadMetadata = true
                return .metadata(call.metadata)
            }
            do {
                return try await call.next().map { .message($0) }
            } catch {
                throw RPCError.from(error, peer: call.peer)
            }
        }
    }
}

/// The response of a call, as GRPCCore writes it.
struct ServerOutbound: ClosableRPCWriterProtocol {
    typealias Element = RPCResponsePart<[UInt8]>

    let call: ServerCall

    func write(_ element: Element) async throws {
        try await call.write(element)
    }

    func write(contentsOf elements: some Sequence<Element>) async throws {
        for element in elements {
            try await call.write(element)
        }
    }

    func finish() async {
        call.finish()
    }

    func finish(throwing error: any Error) async {
        call.finish(RPCError.from(error, peer: call.peer))
    }
}
