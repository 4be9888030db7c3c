import FoundationEssentials
import ServiceKitProtobuf
import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// The Swift names of declarations in .proto files, by the rules of protoc's plugins, if Swift accepts these names.
///
/// Not `Sendable`, since the plugins' library is not.
struct SwiftNames {
    /// The files that the plugins get.
    let files: [Google_Protobuf_FileDescriptorProto]
    /// The methods that the plugins get under another name, by that name.
    let methods: [String: GRPCMethodName]

    private let descriptors: DescriptorSet
    private let namer = SwiftProtobufNamer()

    /// - Parameter files: The files. Each comes after its own imports.
    init(_ files: [Google_Protobuf_FileDescriptorProto]) {
        var methods: [String: GRPCMethodName] = [:]
        self.files = files.map { file in
            var file = Self.prefixed(file)
            for service in file.service.indices {
                let names = Set(file.service[service].method.map(\.name))
                for index in file.service[service].method.indices {
                    let name = GRPCMethodName(file.service[service].method[index].name, among: names)
                    guard name.isChanged else { continue }
                    let placeholder = "KitMethod\(methods.count)Name"
                    methods[placeholder] = name
                    file.service[service].method[index].name = placeholder
                }
            }
            return file
        }
        self.methods = methods
        descriptors = DescriptorSet(protos: self.files)
    }

    /// The beginning of the names of a file's types: `User_V1_`; empty if the file has no package.
    func prefix(of file: String) -> String {
        descriptors.fileDescriptor(named: file).map { namer.typePrefix(forFile: $0) } ?? ""
    }

    /// The name of a service's type: `User_V1_UserService`.
    func service(_ name: String, in file: String) -> String { prefix(of: file) + name }

    /// The name of a message's type. The full name may begin with a dot.
    func message(_ name: String) -> String? {
        descriptors.descriptor(named: name.fullName).map { namer.fullName(message: $0) }
    }

    /// The names of the types at the top level of some files.
    func types(of names: [String]) -> Set<String> {
        Set(
            names.compactMap { descriptors.fileDescriptor(named: $0) }.flatMap { file in
                file.messages.map { namer.relativeName(message: $0) } + file.enums.map { namer.relativeName(enum: $0) }
                    + file.services.map { namer.typePrefix(forFile: file) + $0.name }
            }
        )
    }

    /// The text of a file's ``DirectFile``; `nil` if there is none. Throws `CommandFailure` when the code of an error is no
    /// HTTP status.
    func directCode(of name: String, modules: ProtoFileToModuleMappings) throws -> String? {
        guard let file = descriptors.fileDescriptor(named: name) else { return nil }
        let code = DirectFile(file: file, visibility: .public, hasAccessLevelOnImports: true, modules: modules)
        return try code.text.map { GRPCMethodName.replacing(methods, in: $0) }
    }

    // MARK: - Files without a prefix

    /// Names that generated code and the code of `kit add` use. A type with such a name would hide the right one.
    private static let hiding: Set<String> = [
        "App", "Client", "ClientProtocol", "Dictionary", "Foundation", "FoundationEssentials", "GRPCCore",
        "GRPCProtobuf", "Input", "Method", "Output", "RPCError", "RawValue", "Result", "ServerContext",
        "ServiceChannel", "ServiceError", "ServiceKit", "ServiceKitGRPC", "ServiceProtocol", "SimpleServiceProtocol",
        "StreamingServiceProtocol", "Stub", "Suite", "Swift", "Test", "Testing", "Transport", "Void", "await",
        "precedencegroup",
    ]

    /// Names that the plugin changes for a message, but not for a service.
    private static let reserved = SwiftWords.all.union(swiftCommonTypes).union([
        "Array", "Equatable", "Error", "Hashable", "Never", "Optional", "Protocol", "Sendable", "Set", "SwiftProtobuf",
        "Type", "_", "await",
    ])

    /// Types of a file without a package have no prefix. If one of them would hide a name that the code needs, all
    /// types of the file get the file's name as prefix.
    private static func prefixed(_ file: Google_Protobuf_FileDescriptorProto) -> Google_Protobuf_FileDescriptorProto {
        guard file.options.hasSwiftPrefix ? file.options.swiftPrefix.isEmpty : file.package.isEmpty else { return file }
        let isHiding =
            (file.messageType.map(\.name) + file.enumType.map(\.name)).contains(where: hiding.contains)
            || file.service.map(\.name).contains { hiding.contains($0) || reserved.contains($0) }
            || file.messageType.contains { $0.hasDescendant($0.name) }
        guard isHiding else { return file }
        var file = file
        file.options.swiftPrefix = SwiftWords.upperCamel(DescriptorsFile.stem(of: file.name)) + "_"
        return file
    }
}

extension Google_Protobuf_DescriptorProto {
    /// Whether a nested type has this name, at any depth.
    fileprivate func hasDescendant(_ name: String) -> Bool {
        nestedType.contains { $0.name == name || $0.hasDescendant(name) } || enumType.contains { $0.name == name }
    }
}

/// Keywords of Swift that cannot name types or functions.
enum SwiftWords {
    static let all = swiftKeywordsUsedInDeclarations.union(swiftKeywordsUsedInStatements)
        .union(swiftKeywordsUsedInExpressionsAndTypes).union(["precedencegroup"])

    static func quoted(_ name: String) -> String { all.contains(name) ? "`\(name)`" : name }

    /// Turns any text into the beginning of a type's name: `push_service` and `push-service` into `PushService`.
    static func upperCamel(_ text: some StringProtocol) -> String {
        let words = text.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        let name = words.map { Words.capitalized(String($0)) }.joined()
        return name.first?.isLetter == true ? name : "Proto" + name
    }
}
