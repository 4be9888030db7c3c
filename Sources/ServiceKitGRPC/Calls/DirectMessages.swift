public import GRPCCore

/// The messages of a call, as a closure reads them.
@usableFromInline
struct DirectMessages<Element: Sendable>: AsyncSequence, Sendable {
    @usableFromInline typealias Failure = any Error

    @usableFromInline let read: @Sendable () async throws -> Element?

    @inlinable
    init(_ read: @escaping @Sendable () async throws -> Element?) {
        self.read = read
    }

    @inlinable
    func makeAsyncIterator() -> Iterator {
        Iterator(read: read)
    }

    @usableFromInline
    struct Iterator: AsyncIteratorProtocol {
        @usableFromInline let read: @Sendable () async throws -> Element?

        @inlinable
        init(read: @escaping @Sendable () async throws -> Element?) {
            self.read = read
        }

        @inlinable
        mutating func next() async throws -> Element? {
            try await read()
        }

        @inlinable
        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Element? {
            try await read()
        }
    }
}

/// Writes the messages of a call with a closure.
///
/// The functions are `@concurrent`, as GRPCCore's requirements are: a witness of another kind looks at the executor twice
/// more for each message.
@usableFromInline
struct DirectWriter<Element: Sendable>: RPCWriterProtocol {
    @usableFromInline let send: @Sendable (_ element: Element) async throws -> Void

    @inlinable
    init(_ send: @escaping @Sendable (_ element: Element) async throws -> Void) {
        self.send = send
    }

    @inlinable
    @concurrent
    func write(_ element: Element) async throws {
        try await send(element)
    }

    @inlinable
    @concurrent
    func write(contentsOf elements: some Sequence<Element>) async throws {
        for element in elements { try await send(element) }
    }
}
