package import SwiftProtobuf
package import SwiftProtobufPluginLibrary

/// `protoc-gen-servicekit`: the plugin of protoc that writes each ``DirectFile``, and each ``DescriptorsFile`` on demand, for
/// use without `kit`.
///
/// It has the options of the plugins for Swift and gRPC that concern this code, with the same values and defaults.
package struct DirectPlugin: CodeGenerator {
    package init() {}

    package var supportedFeatures: [Google_Protobuf_Compiler_CodeGeneratorResponse.Feature] {
        [.proto3Optional, .supportsEditions]
    }

    package var supportedEditionRange: ClosedRange<Google_Protobuf_Edition> { DescriptorSet.bundledEditionsSupport }

    package var version: String? { KitVersion.current }

    package func generate(
        files: [FileDescriptor],
        parameter: any CodeGeneratorParameter,
        protoCompilerContext: any ProtoCompilerContext,
        generatorOutputs: any GeneratorOutputs
    ) throws {
        let options = try Options(parameter.parsedPairs)
        for file in files {
            let code = DirectFile(
                file: file, visibility: options.visibility, hasAccessLevelOnImports: options.hasAccessLevelOnImports,
                modules: options.modules)
            let stem = options.naming.stem(of: file.name)
            if let text = try code.text {
                try generatorOutputs.add(fileName: "\(stem).\(DirectFile.kind).swift", contents: text)
            }
            if options.hasDescriptors, !file.services.isEmpty {
                var descriptors = DescriptorsFile(proto: file.name, set: try Self.set(of: file).closure(of: file.name))
                descriptors.visibility = options.visibility
                try generatorOutputs.add(fileName: stem + DescriptorsFile.suffix, contents: descriptors.text)
            }
        }
    }

    /// A file with all its imports.
    private static func set(of file: FileDescriptor) throws -> ProtoSet {
        var contents = ExtractProtoOptions()
        contents.includeSourceCodeInfo = true
        var protos: [Google_Protobuf_FileDescriptorProto] = []
        var seen: Set<String> = []
        func add(_ file: FileDescriptor) {
            guard seen.insert(file.name).inserted else { return }
            for dependency in file.dependencies { add(dependency) }
            protos.append(file.extractProto(options: contents))
        }
        add(file)
        return try ProtoSet(protos)
    }

    /// The form of the names of generated files.
    private enum FileNaming: String, CaseIterable {
        case fullPath = "FullPath"
        case pathToUnderscores = "PathToUnderscores"
        case dropPath = "DropPath"

        /// The beginning of the name of a .proto file's code.
        func stem(of proto: String) -> String {
            let path = DescriptorsFile.stem(of: proto)
            return switch self {
            case .fullPath: path
            case .pathToUnderscores: path.replacing("/", with: "_")
            case .dropPath: String(path.split(separator: "/").last ?? "")
            }
        }
    }

    private enum Answer: String, CaseIterable {
        case yes = "true"
        case no = "false"
    }

    private struct Options {
        private(set) var visibility = DirectFile.Visibility.internal
        private(set) var hasAccessLevelOnImports = false
        private(set) var naming = FileNaming.fullPath
        private(set) var hasDescriptors = false
        private(set) var modules = ProtoFileToModuleMappings()

        init(_ pairs: [(key: String, value: String)]) throws {
            for (name, value) in pairs {
                switch name {
                case "Visibility": visibility = try Self.choice(value, for: name)
                case "UseAccessLevelOnImports":
                    hasAccessLevelOnImports = try Self.choice(value.lowercased(), for: name) == Answer.yes
                case "FileNaming": naming = try Self.choice(value, for: name)
                case "Descriptors": hasDescriptors = try Self.choice(value.lowercased(), for: name) == Answer.yes
                case "ProtoPathModuleMappings": modules = try Self.modules(in: value, for: name)
                default:
                    throw CommandFailure(
                        "there is no option \"\(name)\"; the options are Visibility, UseAccessLevelOnImports, FileNaming, "
                            + "Descriptors and ProtoPathModuleMappings")
                }
            }
        }

        private static func choice<Value: RawRepresentable<String> & CaseIterable>(
            _ text: String, for option: String
        ) throws -> Value {
            if let value = Value(rawValue: text) { return value }
            let values = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw CommandFailure("\(option)=\(text): the value must be one of \(values)")
        }

        private static func modules(in path: String, for option: String) throws -> ProtoFileToModuleMappings {
            do {
                return try ProtoFileToModuleMappings(path: path)
            } catch {
                throw CommandFailure("\(option)=\(path): \(error)")
            }
        }
    }
}
