package import GRPCCore
import ServiceKitHTTP2

/// Serves the calls of one method without GRPCCore's executor: from the bytes of the request to the bytes of the response
/// in one task.
///
/// A struct: a bare function that a property keeps as an optional is wrapped in another one, which each call goes through.
package struct DirectHandler: Sendable {
    /// Returns the trailers of the response, or throws the error that the call fails with. A hook gets the error as it is.
    let serve: nonisolated(nonsending) @Sendable (_ call: ServerCall) async throws -> Metadata

    package init(_ serve: nonisolated(nonsending) @escaping @Sendable (_ call: ServerCall) async throws -> Metadata) {
        self.serve = serve
    }
}

extension ServerCall {
    /// Whether there is a hook around the call, which decides its status.
    package var isHooked: Bool { method.hook != nil }

    /// Runs a direct handler without a hook, up to the status.
    ///
    /// - Parameter handler: The handler.
    nonisolated(nonsending) func handle(_ handler: DirectHandler) async {
        do {
            let trailers = try await handler.serve(self)
            // A caller that is gone needs no status.
            try? send(.ok, trailers)
        } catch {
            finish(RPCError.from(error, peer: peer))
        }
    }

    // MARK: - The request

    /// The message of a request that has one.
    ///
    /// - Throws: `RPCError` if the request has another number of messages, or the call ends before.
    package func onlyMessage() async throws -> [UInt8] {
        var only: [UInt8]?
        do {
            while true {
                // Mostly the whole request is there: to look before waiting costs no look at executors.
                while case .ready(let message) = try poll() {
                    switch (only, message) {
                    case (nil, let message?): only = message
                    case (let only?, nil): return only
                    case (nil, nil): throw RPCError(code: .internalError, message: "Empty stream.")
                    case (.some, .some): throw RPCError(code: .internalError, message: "Too many messages.")
                    }
                }
                try await wire.waitUntilReadable()
            }
        } catch {
            throw RPCError.from(error, peer: peer)
        }
    }

    /// The next message of the request; `nil` behind the last. For one reader at a time.
    ///
    /// - Throws: `RPCError` if the call ends before.
    package func nextMessage() async throws -> [UInt8]? {
        do {
            return try await next()
        } catch {
            throw RPCError.from(error, peer: peer)
        }
    }

    // MARK: - The response

    /// Sends the head of a response that has any number of messages.
    ///
    /// - Throws: `RPCError` if the call has ended, or the headers are too large.
    package func sendHead(_ metadata: Metadata) throws {
        do {
            try send(headWithAdded(metadata))
        } catch {
            throw RPCError.from(error, peer: peer)
        }
    }

    /// Sends a message of the response; suspends while there is no room for more.
    ///
    /// - Throws: `RPCError` if the call has ended.
    package func send(_ message: [UInt8]) async throws {
        try await write(.message(message))
    }

    /// Sends a response that has one message, up to its status: all three leave together.
    ///
    /// - Throws: `RPCError` if the call has ended, or the message is too large.
    package func reply(_ message: [UInt8]) throws {
        do {
            let encoding = try send(headWithAdded([:]))
            try wire.sendLast(message, encoding, limit: maxSendBytes)
        } catch {
            throw RPCError.from(error, peer: peer)
        }
    }
}

extension Status {
    /// The status of a call that succeeded.
    static let ok = Status(code: .ok, message: "")
}
