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
    static func refusal(reason: String, message: String, pushback: Duration) -> PreparedError {
        let milliseconds = Int((pushback / .milliseconds(1)).rounded(.up))
        return PreparedError(
            ServiceError(.tooManyRequests, reason: reason, message: message),
            trailers: ["grpc-retry-pushback-ms": .string(String(milliseconds))]
        )
    }
}
