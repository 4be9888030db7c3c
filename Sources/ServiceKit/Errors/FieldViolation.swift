extension ServiceError {
    /// A field of a request that is not as it must be.
    public struct FieldViolation: Hashable, Sendable {
        /// The path of the field: `user.emails[2]`.
        public var field: String
        /// A sentence for people.
        public var description: String
        /// A constant that programs compare, such as the rule's name; empty if there is none.
        public var reason: String

        /// Creates a violation.
        public init(field: String, description: String, reason: String = "") {
            self.field = field
            self.description = description
            self.reason = reason
        }
    }

    /// The reason of a request with violations, as go-kratos has it.
    public static let validationReason = "VALIDATOR"

    /// The error of a request whose fields are not as they must be: `400`.
    ///
    /// - Parameter violations: The violations; the message names the first three.
    public static func invalid(_ violations: [FieldViolation]) -> ServiceError {
        let texts = violations.prefix(3).map { "\($0.field): \($0.description)" }
        let more = violations.count > 3 ? "; and \(violations.count - 3) more" : ""
        return ServiceError(
            .badRequest, reason: validationReason, message: texts.joined(separator: "; ") + more, violations: violations
        )
    }
}
