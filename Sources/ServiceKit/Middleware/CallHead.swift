/// The head of a request that this process may serve, before a ``Call`` is made of it.
package struct CallHead {
    /// The protocol, as ``Call/transport``.
    package let transport: String
    /// The called operation, as ``Call/operation``.
    package let operation: String
    /// The caller's address, as ``Call/peer``.
    package let peer: String
    /// The headers.
    let fields: any CallHeadFields

    package init(transport: String, operation: String, peer: String, fields: any CallHeadFields) {
        self.transport = transport
        self.operation = operation
        self.peer = peer
        self.fields = fields
    }

    /// The first text of a header, as the call's metadata would have it.
    func text(of name: String) -> String? { fields.text(of: name.inLowerCase) }

    /// The priority, as ``Call/priority``.
    var priority: CallPriority {
        fields.text(of: CallPriority.header).flatMap(CallPriority.init(rawValue:)) ?? .default
    }
}

/// The headers of a request, wherever they are.
package protocol CallHeadFields {
    /// The first text of a header.
    ///
    /// - Parameter name: The name in lower case.
    func text(of name: String) -> String?

    /// The time that the caller gives the call; `nil` for any.
    var timeout: Duration? { get }
}

/// A middleware that can refuse a call by its head alone, or count such a refusal.
///
/// A server asks it before it makes anything for the call, and only while a ``RefusalGate`` is open: then a refused call costs a small
/// part of a served one. Such middleware counts only if it is outermost, with no other kind outside it.
///
/// A call that is not refused by its head begins as any other, so that `beginServing` decides once more. It has the last word.
package protocol HeadMiddleware: SynchronousMiddleware {
    /// Whether this one sees all that it needs in a head; true by default.
    var seesHeads: Bool { get }

    /// Is open while it may refuse calls by their heads; `nil`, the default, if it never does.
    var gate: RefusalGate? { get }

    /// Refuses a call, and counts the refusal.
    ///
    /// - Returns: The error that answers the call; `nil`, the default, if the call may begin, which then is not counted.
    func refusal(of head: borrowing CallHead) -> PreparedError?

    /// Counts a call that a middleware inside this one has refused by its head. Does nothing by default.
    ///
    /// - Parameters:
    ///   - head: The head of the call.
    ///   - error: The error.
    ///   - trailers: Trailers of the answer beside those of the error.
    func refused(_ head: borrowing CallHead, by error: PreparedError, _ trailers: inout CallMetadata)
}

extension HeadMiddleware {
    package var seesHeads: Bool { true }
    package var gate: RefusalGate? { nil }
    package func refusal(of head: borrowing CallHead) -> PreparedError? { nil }
    package func refused(_ head: borrowing CallHead, by error: PreparedError, _ trailers: inout CallMetadata) {}
}
