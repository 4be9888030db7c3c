private import Synchronization

/// An error that is made once and answers many calls: a refusal must cost a small part of a served call.
package final class PreparedError: ServiceErrorConvertible {
    package let serviceError: ServiceError
    /// The trailers of the answer.
    package let trailers: CallMetadata
    private let forms = Mutex<[ObjectIdentifier: any Sendable]>([:])

    package init(_ error: ServiceError, trailers: CallMetadata = [:]) {
        serviceError = error
        self.trailers = trailers
    }

    /// The error in a transport's form, which is made when it is asked for first.
    package func form<Form: Sendable>(_ make: (PreparedError) -> Form) -> Form {
        forms.withLock { forms in
            if let form = forms[ObjectIdentifier(Form.self)] as? Form { return form }
            let form = make(self)
            forms[ObjectIdentifier(Form.self)] = form
            return form
        }
    }
}

extension PreparedError {
    /// The error of a call that a limit refuses: 429. Callers of gRPC that would try again wait for a time, as the trailer
    /// `grpc-retry-pushback-ms` says (gRFC A6).
    ///
    /// - Parameters:
    ///   - reason: The reason.
    ///   - message: The message.
    ///   - pushback: How long a caller waits that would call this server again.
    ///   - concernsServerOnly: Whether another server may well serve the call: it gets ``CallRefusal/trailer``.
    static func refusal(
        reason: String, message: String, pushback: Duration, concernsServerOnly: Bool = false
    ) -> PreparedError {
        let milliseconds = Int((pushback / .milliseconds(1)).rounded(.up))
        var trailers: CallMetadata = ["grpc-retry-pushback-ms": .string(String(milliseconds))]
        if concernsServerOnly { trailers[CallRefusal.trailer] = "1" }
        return PreparedError(ServiceError(.tooManyRequests, reason: reason, message: message), trailers: trailers)
    }
}

/// A call that a server has refused before any handler saw it.
package enum CallRefusal {
    /// The reason of a call whose caller makes too many.
    package static let rateLimited = "RATE_LIMITED"
    /// The trailer of a call that an overloaded server has refused, with 429, or the breaker of a failing method, with 503. It is for
    /// the client that the server answers: a client makes such a call again on another instance, whatever its method, and does not
    /// hand the trailer on. Finagle's NACKs are the model.
    package static let trailer = "servicekit-refused"
}
