public import ServiceKit

/// A message that knows what is wrong with it. A server checks each request of such a type before its handler gets it.
///
/// ```swift
/// extension User_V1_CreateUserRequest: ValidatableMessage {
///     func violations() -> [ServiceError.FieldViolation] {
///         email.contains("@") ? [] : [.init(field: "email", description: "must be an address")]
///     }
/// }
/// ```
///
/// A request with violations is answered with `400` (`invalidArgument`), the reason ``/ServiceKit/ServiceError/validationReason``,
/// and the violations as `google.rpc.BadRequest`. A type that does not conform costs its calls nothing.
public protocol ValidatableMessage: Sendable {
    /// The mistakes of the message; nothing if it is as it must be. It must not wait.
    func violations() -> [ServiceError.FieldViolation]
}

/// The check of messages of a type, found out once.
@usableFromInline
struct MessageCheck<Message: Sendable>: Sendable {
    private let check: (@Sendable (Message) throws -> Void)?

    @usableFromInline
    init() {
        guard Message.self is any ValidatableMessage.Type else {
            check = nil
            return
        }
        check = { message in
            guard let violations = (message as? any ValidatableMessage)?.violations(), !violations.isEmpty else {
                return
            }
            throw ServiceError.invalid(violations)
        }
    }

    /// Whether there is anything to check.
    var isNeeded: Bool { check != nil }

    /// Checks a message.
    ///
    /// - Throws: ``ServiceError`` with what is wrong with it.
    @usableFromInline
    func callAsFunction(_ message: Message) throws {
        try check?(message)
    }
}
