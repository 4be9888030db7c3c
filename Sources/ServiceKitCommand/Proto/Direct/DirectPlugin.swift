package import SwiftProtobuf
package import SwiftProtobufPluginLibrary

/// `protoc-gen-servicekit`: the plugin of protoc that writes each ``DirectFile``, for use without `kit`.
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
            guard let text = try code.text else { continue }
            try generatorOutputs.add(
                fileName: "\(options.naming.stem(of: file.name)).\(DirectFile.kind).swift", contents: text)
        }
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
        private(set) var modules = ProtoFileToModuleMappings()

        init(_ pairs: [(key: String, value: String)]) throws {
            for (name, value) in pairs {
                switch name {
                case "Visibility": visibility = try Self.choice(value, for: name)
                case "UseAccessLevelOnImports":
                    hasAccessLevelOnImports = try Self.choice(value.lowercased(), for: name) == Answer.yes
                case "FileNaming": naming = try Self.choice(value, for: name)
                case "ProtoPathModuleMappings": modules = try Self.modules(in: value, for: name)
                default:
                    throw CommandFailure(
                        "there is no option \"\(name)\"; the options are Visibility, UseAccessLevelOnImports, FileNaming and "
                            + "ProtoPathModuleMappings")
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
