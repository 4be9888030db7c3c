import SwiftProtobuf

/// .proto files with all their imports, as protoc reads them.
struct ProtoSet: Sendable {
    /// The files. Each comes after its own imports.
    let files: [Google_Protobuf_FileDescriptorProto]
    private let byName: [String: Google_Protobuf_FileDescriptorProto]
    /// The file that declares a message or an enumeration, by its full name with a dot before it.
    private let declaring: [String: String]

    init(_ files: [Google_Protobuf_FileDescriptorProto]) {
        self.files = files
        byName = Dictionary(files.map { ($0.name, $0) }) { first, _ in first }
        var declaring: [String: String] = [:]
        for file in files {
            for name in file.typeNames { declaring[name] = file.name }
        }
        self.declaring = declaring
    }

    /// The file with a name.
    func file(_ name: String) -> Google_Protobuf_FileDescriptorProto? { byName[name] }

    /// The file that declares a type.
    ///
    /// - Parameter type: The type's full name, without a dot before it.
    func file(declaring type: String) -> String? { declaring["." + type] }

    /// The files whose types the code of some files needs, with these files themselves.
    ///
    /// Files that are imported for their options only are left out: code never names them, and they are often large.
    ///
    /// - Parameters:
    ///   - roots: The files to begin with.
    ///   - shared: Files whose code is in another module. Their imports belong to that module.
    ///   - isWellKnown: Whether a file counts only if code names its types.
    func filesNeeded(by roots: [String], shared: Set<String>, isWellKnown: (String) -> Bool) -> [String] {
        var found: Set<String> = []
        var next = roots
        while let name = next.popLast() {
            guard let file = byName[name], !ProtoPath.isBundled(name), found.insert(name).inserted,
                !shared.contains(name)
            else { continue }
            next += file.references.compactMap { declaring[$0] }
            next += file.dependency.filter {
                !shared.contains($0) && !isWellKnown($0) && byName[$0]?.isForOptions != true
            }
        }
        return files.map(\.name).filter(found.contains)
    }

    /// The files of a directory that always get code: the files at its top, and the files that no other file imports.
    func roots(of directory: [String]) -> [String] {
        let imported = Set(directory.compactMap { byName[$0] }.flatMap(\.dependency))
        return directory.filter { name in
            !name.contains("/") || (!imported.contains(name) && byName[name]?.isForOptions != true)
        }
    }

    /// A file with its imports, without comments, for server reflection.
    func closure(of name: String) throws -> [UInt8] {
        var set = Google_Protobuf_FileDescriptorSet()
        var found: Set<String> = []
        // In protoc's order, whatever other files were read. Imports have no cycles: protoc refuses them.
        func add(_ name: String) {
            guard var file = byName[name], found.insert(name).inserted else { return }
            for name in file.dependency { add(name) }
            file.clearSourceCodeInfo()
            set.file.append(file)
        }
        add(name)
        return try set.serializedBytes()
    }

    /// Whether a file can name a type by its short name: it declares or imports the type, in its own package or an
    /// outer one.
    func sees(_ type: String, in file: Google_Protobuf_FileDescriptorProto) -> Bool {
        var visible: Set<String> = [file.name]
        var next = file.dependency
        while let name = next.popLast() {
            guard visible.insert(name).inserted, let file = byName[name] else { continue }
            next += file.publicDependency.map { file.dependency[Int($0)] }
        }
        var scope = file.package.split(separator: ".")
        while true {
            let name = (scope.map(String.init) + [type]).joined(separator: ".")
            if let declaring = self.file(declaring: name), visible.contains(declaring) { return true }
            if scope.isEmpty { return false }
            scope.removeLast()
        }
    }
}

extension Google_Protobuf_FileDescriptorProto {
    /// The names of the file's messages and enumerations, with a dot before them.
    fileprivate var typeNames: [String] {
        var names: [String] = []
        func add(_ message: Google_Protobuf_DescriptorProto, in scope: String) {
            let name = "\(scope).\(message.name)"
            names.append(name)
            names += message.enumType.map { "\(name).\($0.name)" }
            for nested in message.nestedType { add(nested, in: name) }
        }
        let scope = package.isEmpty ? "" : "." + package
        for message in messageType { add(message, in: scope) }
        return names + enumType.map { "\(scope).\($0.name)" }
    }

    /// The types that the file's code names, with a dot before them.
    fileprivate var references: [String] {
        var names: [String] = []
        func add(_ fields: [Google_Protobuf_FieldDescriptorProto]) {
            for field in fields { names += [field.typeName, field.extendee].filter { !$0.isEmpty } }
        }
        func add(_ message: Google_Protobuf_DescriptorProto) {
            add(message.field)
            add(message.extension)
            for nested in message.nestedType { add(nested) }
        }
        for message in messageType { add(message) }
        add(`extension`)
        return names + service.flatMap(\.method).flatMap { [$0.inputType, $0.outputType] }
    }

    /// Whether the file only declares options: `google/api/annotations.proto`, `validate/validate.proto`.
    fileprivate var isForOptions: Bool {
        service.isEmpty
            && `extension`.contains {
                $0.extendee.hasPrefix(".google.protobuf.") && $0.extendee.hasSuffix("Options")
            }
    }
}
