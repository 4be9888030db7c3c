import ServiceKitProtobuf
import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// The makers and predicates of the errors that an enum declares with the options of go-kratos's `errors/errors.proto`:
/// `errors.default_code` on the enum, `errors.code` on a value. The value's name is the reason.
struct ErrorReasons {
    /// The package of the options.
    static let package = "errors"
    /// The option of a value.
    static let codeOption = "code"
    /// `errors.default_code`, an extension of `google.protobuf.EnumOptions`.
    private static let defaultCodeNumber: Int32 = 1108
    /// `errors.code`, an extension of `google.protobuf.EnumValueOptions`.
    private static let codeNumber: Int32 = 1109
    /// The codes that go-kratos allows. A value with the code 0 is no error.
    private static let codes: ClosedRange<Int64> = 0...600

    private struct Reason {
        /// `USER_NOT_FOUND`.
        let name: String
        /// `userNotFound`, in backticks if it is a keyword.
        let maker: String
        /// `isUserNotFound`.
        let predicate: String
        let code: Int64
        let comment: String
    }

    /// `user.v1.UserError`.
    private let name: String
    /// `User_V1_UserError`.
    private let type: String
    private let access: String
    private let reasons: [Reason]

    /// The errors of an enum; `nil` if it declares none. Throws `CommandFailure` when a code is no HTTP status.
    init?(_ enumeration: EnumDescriptor, namer: SwiftProtobufNamer, access: String) throws {
        guard enumeration.file.importsErrors else { return nil }
        let defaultCode = try Self.code(Self.defaultCodeNumber, in: enumeration.options, of: enumeration.fullName)
        var makers: Set<String> = []
        reasons = try enumeration.values.compactMap { value in
            let own = try Self.code(Self.codeNumber, in: value.options, of: value.fullName)
            let code = own == 0 ? defaultCode : own
            let maker = namer.relativeName(enumValue: value)
            // An alias may have the Swift name of the value before it.
            guard code != 0, makers.insert(maker).inserted else { return nil }
            let comment = value.protoSourceComments()
            return Reason(
                name: value.name, maker: maker,
                predicate: "is" + Words.capitalized(maker.filter { $0 != "`" }), code: code,
                comment: comment.isEmpty ? "/// The error `\(value.name)`.\n" : comment)
        }
        if reasons.isEmpty { return nil }
        name = enumeration.fullName
        type = namer.fullName(enum: enumeration)
        self.access = access
    }

    var text: String {
        """
        // MARK: - \(name)

        extension \(type) {
        \(reasons.map { code($0).indented(1) }.joined(separator: "\n\n"))
        }
        """
    }

    private func code(_ reason: Reason) -> String {
        """
        \(reason.comment)///
        /// - Parameters:
        ///   - message: A sentence for people.
        ///   - metadata: The objects of the error. Default: none.
        /// - Returns: The error with the code \(reason.code) and the reason `\(reason.name)`.
        \(access) static func \(reason.maker)(
            _ message: String,
            metadata: [String: String] = [:]
        ) -> ServiceKit.ServiceError {
            ServiceKit.ServiceError(
                ServiceKit.ServiceError.Code(rawValue: \(reason.code)),
                reason: "\(reason.name)",
                message: message,
                metadata: metadata
            )
        }

        /// Whether an error is `\(reason.name)`, thrown here or by a service that was called.
        ///
        /// - Parameter error: Any error.
        \(access) static func \(reason.predicate)(_ error: any Error) -> Bool {
            ServiceKit.ServiceError.matches(
                error,
                code: ServiceKit.ServiceError.Code(rawValue: \(reason.code)),
                reason: "\(reason.name)"
            )
        }
        """
    }

    /// The value of an option; 0 if it is not set.
    private static func code(_ number: Int32, in options: some Message, of name: String) throws -> Int64 {
        var reader = WireReader((try options.serializedBytes() as [UInt8])[...])
        var code: Int64 = 0
        while !reader.isAtEnd {
            let (field, type) = try reader.tag()
            if field == number, type == .varint {
                code = Int64(bitPattern: try reader.varint())
            } else {
                try reader.skip(type, number: field, depth: 10)
            }
        }
        guard codes.contains(code) else {
            throw CommandFailure(
                "\(name): the error code is \(code); write the HTTP status of the error, up to \(codes.upperBound), or 0 "
                    + "for a value that is no error")
        }
        return code
    }
}

extension FileDescriptor {
    /// The enums of the file and of its messages.
    var allEnums: [EnumDescriptor] {
        func nested(in message: Descriptor) -> [EnumDescriptor] { message.enums + message.messages.flatMap(nested) }
        return enums + messages.flatMap(nested)
    }

    fileprivate var importsErrors: Bool {
        dependencies.contains { file in
            file.package == ErrorReasons.package && file.extensions.contains { $0.name == ErrorReasons.codeOption }
        }
    }
}
