import ServiceKitProtobuf
import SwiftProtobuf

/// .proto files with all their imports, as protoc reads them.
struct ProtoSet: Sendable {
    /// The files. Each comes after its own imports.
    let files: [Google_Protobuf_FileDescriptorProto]
    private let pool: DescriptorPool

    /// - Throws: `DescriptorError` when two files declare the same name.
    init(_ files: [Google_Protobuf_FileDescriptorProto]) throws {
        self.files = files
        pool = try DescriptorPool(files)
    }

    func file(_ name: String) -> Google_Protobuf_FileDescriptorProto? { pool.file(name) }

    /// The name of the file that declares a type. The type's full name may begin with a dot.
    func file(declaring type: String) -> String? {
        pool.file(declaring: type.fullName)?.name
    }

    /// The files whose types the code of the roots needs, with the roots themselves. The code of shared files is in
    /// another module, to which their imports belong. A well-known file counts only if code names its types. Files that
    /// are imported for their options only are left out: code never names them, and they are often large.
    func filesNeeded(by roots: [String], shared: Set<String>, isWellKnown: (String) -> Bool) -> [String] {
        var found: Set<String> = []
        var next = roots
        while let name = next.popLast() {
            guard let file = file(name), !ProtoPath.isBundled(name), found.insert(name).inserted,
                !shared.contains(name)
            else { continue }
            next += file.references.compactMap(self.file(declaring:))
            next += file.dependency.filter {
                !shared.contains($0) && !isWellKnown($0) && self.file($0)?.isForOptions != true
            }
        }
        return files.map(\.name).filter(found.contains)
    }

    /// The files of a directory that always get code: the files at its top, and the files that no other file imports.
    func roots(of directory: [String]) -> [String] {
        let imported = Set(directory.compactMap(file).flatMap(\.dependency))
        return directory.filter { name in
            !name.contains("/") || (!imported.contains(name) && file(name)?.isForOptions != true)
        }
    }

    /// Whether a file imports the options of errors.
    func importsErrors(_ name: String) -> Bool {
        file(name)?.dependency.contains { file($0)?.declaresErrorOptions == true } == true
    }

    /// A file with its imports, for running programs: for server reflection, JSON and OpenAPI. It has the comments on
    /// declarations. Files that are imported for their options only are left out, since they are often large; the options
    /// stay, and programs read them by their numbers.
    func closure(of name: String) throws -> [UInt8] {
        var set = Google_Protobuf_FileDescriptorSet()
        let kept = files(describing: name)
        set.file = (file(name).map(pool.closure) ?? []).filter { kept.contains($0.name) }.map { file in
            var file = file.importing(kept)
            if ProtoPath.isBundled(file.name) { file.clearSourceCodeInfo() } else { file.keepComments() }
            return file
        }
        return try set.serializedBytes()
    }

    /// The files that a file needs but for its options, with the file itself.
    private func files(describing root: String) -> Set<String> {
        var found: Set<String> = []
        var next = [root]
        while let name = next.popLast() {
            guard let file = file(name), found.insert(name).inserted else { continue }
            next += file.references.compactMap(self.file(declaring:))
            next += file.dependency.filter { self.file($0)?.isForOptions != true }
        }
        return found
    }

    /// The paths of a service's rules `google.api.http`, in declared order. Rules that cannot be read are left out.
    func httpPaths(of service: String) -> [String] {
        (pool.service(service)?.methods ?? []).flatMap { method in
            ((try? pool.httpRules(of: method.name, in: service)) ?? []).map(\.path)
        }
    }

    /// Whether a file can name a type by its short name: it declares or imports the type, in its own package or an
    /// outer one.
    func sees(_ type: String, in file: Google_Protobuf_FileDescriptorProto) -> Bool {
        var visible: Set<String> = [file.name]
        var next = file.dependency
        while let name = next.popLast() {
            guard visible.insert(name).inserted, let file = self.file(name) else { continue }
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
    /// The file with only those imports.
    fileprivate func importing(_ files: Set<String>) -> Google_Protobuf_FileDescriptorProto {
        var result = self
        result.dependency = dependency.filter(files.contains)
        // Public and weak imports are given by their places among the imports.
        func places(_ old: [Int32]) -> [Int32] {
            old.compactMap { result.dependency.firstIndex(of: dependency[Int($0)]).map(Int32.init) }
        }
        result.publicDependency = places(publicDependency)
        result.weakDependency = places(weakDependency)
        return result
    }

    /// Removes the places of declarations, but for their comments.
    fileprivate mutating func keepComments() {
        sourceCodeInfo.location = sourceCodeInfo.location.compactMap { location in
            guard location.hasLeadingComments || location.hasTrailingComments else { return nil }
            return .with {
                $0.path = location.path
                // Readers of descriptors refuse a place without a span.
                $0.span = [0, 0, 0]
                if location.hasLeadingComments { $0.leadingComments = location.leadingComments }
                if location.hasTrailingComments { $0.trailingComments = location.trailingComments }
            }
        }
        if sourceCodeInfo.location.isEmpty { clearSourceCodeInfo() }
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

    fileprivate var declaresErrorOptions: Bool {
        package == ErrorReasons.package && `extension`.contains { $0.name == ErrorReasons.codeOption }
    }

    /// Whether the file only declares options: `google/api/annotations.proto`, `validate/validate.proto`.
    fileprivate var isForOptions: Bool {
        service.isEmpty
            && `extension`.contains {
                $0.extendee.hasPrefix(".google.protobuf.") && $0.extendee.hasSuffix("Options")
            }
    }
}
