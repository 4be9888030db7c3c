import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// A service's name in all the forms in which its files write it.
///
/// `user-service`, `user_service`, `userService` and `UserService` are the same name.
struct ServiceName: Hashable, Sendable {
    /// The longest name, so that every file made of it has a valid name.
    static let maximumLength = 64

    /// All of it: `user service`.
    let words: Words
    /// What it serves: `user`.
    let entity: Words
    /// The same in the plural: `users`.
    let entities: Words
    /// The package of its .proto file: `user.v1`.
    let package: ProtoPackage

    /// Creates a name.
    ///
    /// - Parameters:
    ///   - name: As it was typed.
    ///   - package: The package of the .proto file; by default what the service serves, and `v1`.
    /// - Throws: `CommandFailure` when no service can be called so.
    init(_ name: String, package: String? = nil) throws {
        try Self.check(name)
        words = Words(splitting: name)
        guard words.words.allSatisfy({ $0.first?.isLetter == true }) else {
            throw Self.invalid(name, "every part of a name begins with a letter, as in user-service")
        }
        let subject = words.words.last == "service" ? Words(Array(words.words.dropLast())) : words
        guard !subject.words.isEmpty else {
            throw Self.invalid(name, "say what it serves, as in user-service")
        }
        entity = subject.replacingLast(English.singular)
        entities = entity.replacingLast(English.plural)
        self.package = try ProtoPackage(package ?? "\(subject.snake).v1")
        try checkReserved(name)
    }

    /// The executable, and the name by which clients find the service: `user-service`.
    var executable: String { words.kebab }
    /// The target of its main: `UserService`.
    var target: String { words.upperCamel }
    /// The target of its API: `UserServiceAPI`.
    var apiTarget: String { target + "API" }
    /// The gRPC service, without the package: `UserService`.
    var service: String { (words.words.last == "service" ? words : Words(words.words + ["service"])).upperCamel }
    /// The name of its .proto file, without the extension: `user`.
    var proto: String { entity.snake }

    // MARK: - Checks

    private static func check(_ name: String) throws {
        if name.isEmpty { throw CommandFailure("a service needs a name, as in: kit new user-service") }
        if name.utf8.count > maximumLength {
            throw invalid("\(name.prefix(20))…", "it has \(name.count) characters; \(maximumLength) are allowed")
        }
        guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }),
            name.first?.isLetter == true
        else {
            throw invalid(
                name,
                "it is made of the letters a to z, digits, - and _, and begins with a letter, as in user-service"
            )
        }
        guard !name.hasSuffix("-"), !name.hasSuffix("_"),
            !["--", "__", "-_", "_-"].contains(where: { name.contains($0) })
        else {
            throw invalid(name, "between - or _ stands a word, as in user-service")
        }
    }

    private func checkReserved(_ name: String) throws {
        for keyword in [words.lowerCamel, entity.lowerCamel] where ReservedNames.isKeyword(keyword) {
            throw Self.invalid(name, "\(keyword) is a word of the Swift language; add another to it")
        }
        if entity.upperCamel.count < 2 {
            throw Self.invalid(name, "what it serves has one letter only; call it by a word, as in user-service")
        }
        if ReservedNames.isType(entity.upperCamel) {
            throw Self.invalid(name, "\(entity.upperCamel) is a type that every service uses; add a word to it")
        }
        for module in [target, apiTarget] where ReservedNames.isModule(module) {
            throw Self.invalid(name, "\(module) is a module that services are built with; choose another one")
        }
        if ReservedNames.isPackage(executable) {
            throw Self.invalid(name, "\(executable) is a package that services are built with; choose another one")
        }
    }

    private static func invalid(_ name: String, _ reason: String) -> CommandFailure {
        CommandFailure("\"\(name)\" cannot be the name of a service: \(reason)")
    }
}

/// The package of a .proto file: `user.v1`.
struct ProtoPackage: Hashable, Sendable, CustomStringConvertible {
    let components: [String]

    /// Reads a package's name.
    ///
    /// - Throws: `CommandFailure` when protoc would refuse it.
    init(_ text: String) throws {
        components = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard text.utf8.count <= 128, components.allSatisfy(Self.isIdentifier) else {
            throw CommandFailure(
                "\"\(text)\" cannot be a protobuf package: it is made of words of letters, digits and _ with dots between "
                    + "them, as in acme.user.v1"
            )
        }
    }

    /// Whether protoc takes a text as a name.
    static func isIdentifier(_ text: String) -> Bool {
        text.first?.isNumber == false && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    var description: String { components.joined(separator: ".") }

    /// How the names of its Swift types begin: `User_V1_`.
    var typePrefix: String {
        let file = Google_Protobuf_FileDescriptorProto.with {
            $0.name = "package.proto"
            $0.package = description
        }
        return SwiftNames(ProtoSet([file])).prefix(of: file.name)
    }

    /// The name of a service's descriptor in Swift: `user_v1_UserService`.
    func descriptor(of service: String) -> String {
        // Made of the types' names, in which a capital after a capital begins no word; as the plugin for gRPC does.
        let prefix = typePrefix.split(separator: "_").map { NamingUtils.toLowerCamelCase(String($0)) }
        return prefix.joined(separator: "_") + (typePrefix.hasSuffix("_") ? "_" : "") + service
    }
}
