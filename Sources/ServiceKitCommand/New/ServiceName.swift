import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// The name of a service, in every spelling that its files need.
///
/// `user-service`, `user_service`, `userService` and `UserService` are the same name.
struct ServiceName: Hashable, Sendable {
    /// The longest name, in characters. It keeps the names of all files valid.
    static let maximumLength = 64

    /// All words: `user service`.
    let words: Words
    /// The thing that it serves: `user`.
    let entity: Words
    /// The plural of that thing: `users`.
    let entities: Words
    /// The package of its .proto file: `user.v1`.
    let package: ProtoPackage

    /// Reads a name as typed. The default package of the .proto file is the served thing, and `v1`. Throws
    /// `CommandFailure` when a service cannot have the name.
    init(_ name: String, package: String? = nil) throws {
        try Self.check(name)
        words = Words(splitting: name)
        guard words.words.allSatisfy({ $0.first?.isLetter == true }) else {
            throw Self.invalid(name, "every part of a name begins with a letter, as in user-service")
        }
        let subject = words.words.last == "service" ? Words(Array(words.words.dropLast())) : words
        guard !subject.words.isEmpty else {
            throw Self.invalid(name, "name the thing that it serves, as in user-service")
        }
        entity = subject.replacingLast(English.singular)
        entities = entity.replacingLast(English.plural)
        self.package = try ProtoPackage(package ?? "\(subject.snake).v1")
        try checkReserved(name)
    }

    /// The name of the executable, by which clients find the service: `user-service`.
    var executable: String { words.kebab }
    /// The target of the main: `UserService`.
    var target: String { words.upperCamel }
    /// The target of the API: `UserServiceAPI`.
    var apiTarget: String { target + "API" }
    /// The gRPC service, without the package: `UserService`.
    var service: String { (words.words.last == "service" ? words : Words(words.words + ["service"])).upperCamel }
    /// The name of the .proto file, without its extension: `user`.
    var proto: String { entity.snake }
    /// The path of the things over HTTP, without the slash before it: `v1/users`.
    var path: String { "\(package.version ?? "v1")/\(entities.kebab)" }

    // MARK: - Checks

    private static func check(_ name: String) throws {
        if name.isEmpty { throw CommandFailure("a service needs a name, as in: kit new user-service") }
        if name.utf8.count > maximumLength {
            throw invalid("\(name.prefix(20))…", "it has \(name.count) characters; \(maximumLength) are allowed")
        }
        guard name.wholeMatch(of: /[A-Za-z][A-Za-z0-9_-]*/) != nil else {
            throw invalid(name, "use the letters a to z, digits, - and _, and begin with a letter, as in user-service")
        }
        guard name.wholeMatch(of: /[A-Za-z0-9]+([-_][A-Za-z0-9]+)*/) != nil else {
            throw invalid(name, "a word must stand between - or _, as in user-service")
        }
    }

    private func checkReserved(_ name: String) throws {
        for keyword in [words.lowerCamel, entity.lowerCamel] where ReservedNames.isKeyword(keyword) {
            throw Self.invalid(name, "\(keyword) is a keyword of Swift; add a word to it")
        }
        if entity.upperCamel.count < 2 {
            throw Self.invalid(name, "the thing that it serves has one letter only; use a word, as in user-service")
        }
        if ReservedNames.isType(entity.upperCamel) {
            throw Self.invalid(name, "\(entity.upperCamel) is a type that every service uses; add a word to it")
        }
        for module in [target, apiTarget] where ReservedNames.isModule(module) {
            throw Self.invalid(name, "\(module) is a module that services use; choose another name")
        }
        if ReservedNames.isPackage(executable) {
            throw Self.invalid(name, "\(executable) is a package that services use; choose another name")
        }
    }

    private static func invalid(_ name: String, _ reason: String) -> CommandFailure {
        CommandFailure("\"\(name)\" cannot be the name of a service: \(reason)")
    }
}

/// The package of a .proto file: `user.v1`.
struct ProtoPackage: Hashable, Sendable, CustomStringConvertible {
    let components: [String]

    /// Reads a package's name. Throws `CommandFailure` when protoc would refuse it.
    init(_ text: String) throws {
        components = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard text.utf8.count <= 128, components.allSatisfy(Self.isIdentifier) else {
            throw CommandFailure(
                "\"\(text)\" cannot be a protobuf package: write words of letters, digits and _, with dots between "
                    + "them, as in acme.user.v1"
            )
        }
    }

    /// Whether protoc accepts a text as a name.
    static func isIdentifier(_ text: String) -> Bool {
        text.first?.isNumber == false && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    var description: String { components.joined(separator: ".") }

    /// The version at the end: `v1`, `v1beta1`; `nil` if there is none.
    var version: String? {
        components.last.flatMap { $0.wholeMatch(of: /v[0-9]+[a-z0-9]*/) == nil ? nil : $0 }
    }

    /// The beginning of the names of its Swift types: `User_V1_`.
    var typePrefix: String {
        let file = Google_Protobuf_FileDescriptorProto.with {
            $0.name = "package.proto"
            $0.package = description
        }
        return SwiftNames([file]).prefix(of: file.name)
    }

    /// The name of a service's descriptor in Swift: `user_v1_UserService`.
    func descriptor(of service: String) -> String {
        // Made from the types' names, in which a capital after a capital begins no word, like the gRPC plugin's names.
        let prefix = typePrefix.split(separator: "_").map { NamingUtils.toLowerCamelCase(String($0)) }
        return prefix.joined(separator: "_") + (typePrefix.hasSuffix("_") ? "_" : "") + service
    }
}
