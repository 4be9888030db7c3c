import FoundationEssentials
import SwiftProtobuf

/// A call to add to a service.
struct RPCAddition: Sendable {
    let package: ServicePackage
    /// The API with the call in its .proto file.
    let api: ProtoAPI

    /// The .proto file with the call.
    private let proto: FileTree.File
    private let values: [String: String]

    private struct Service {
        let api: ServicePackage.API
        let path: ProtoPath
        let file: Google_Protobuf_FileDescriptorProto
        let index: Int
        let set: ProtoSet

        var descriptor: Google_Protobuf_ServiceDescriptorProto { file.service[index] }
        /// `UserService` for `UserServiceAPI`.
        var target: String { String(api.target.dropLast(3)) }
    }

    /// Finds the place for a call, `RenameUser` or `UserService.RenameUser`, in a service's package. The imports of its
    /// .proto files may be in `protoPaths`.
    init(_ name: String, to package: ServicePackage, protoPaths: [String] = []) async throws {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let call = parts.last ?? ""
        guard parts.count <= 2, call.utf8.count <= 100, ProtoPackage.isIdentifier(call) else {
            throw CommandFailure("\"\(name)\" cannot be the name of a call; write it as in UserService.RenameUser")
        }
        self.package = package

        let service = try await Self.service(parts, of: package, protoPaths: protoPaths)
        let serviceName = service.descriptor.name
        guard !service.descriptor.method.contains(where: { $0.name == call }) else {
            throw CommandFailure("\(serviceName) has \(call) already")
        }
        let function = GRPCMethodName.lowerCamel(call)
        if let other = service.descriptor.method.first(where: { GRPCMethodName.lowerCamel($0.name) == function }) {
            throw CommandFailure(
                "\(serviceName) has \(other.name) already, whose function is called \(function) too; choose another name"
            )
        }
        let (request, response) = (SwiftWords.upperCamel(call) + "Request", SwiftWords.upperCamel(call) + "Response")
        let protoPath = "\(service.api.directory)/\(service.file.name)"
        let text = try ServiceText(package.bytes(protoPath), file: service.file, service: service.index).adding(
            call, request, response,
            at: CallPath.path(of: call, in: service.descriptor, of: service.file, service.set),
            declaring: [request, response].filter { !service.set.sees($0, in: service.file) }
        )
        proto = FileTree.File(path: protoPath, bytes: text)

        // protoc's new descriptors contain the names of the new messages, which the code needs.
        let set = try await withTemporaryDirectory { scratch in
            let changed = URL(filePath: "\(scratch)/\(service.file.name)")
            try FileManager.default.createDirectory(
                at: changed.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text).write(to: changed)
            let path = service.path.preceded(
                by: .init(path: scratch, origin: .api, name: package.path(service.api.directory)))
            do {
                return try await ProtoCompiler(path: path).parse(service.api.protos)
            } catch let failure as CommandFailure {
                // Lines and columns belong to a text that the user does not have.
                let cause = failure.description.replacing(#/:\d+:\d+: /#, with: ": ")
                throw CommandFailure(
                    "\(protoPath) with the call \(call) is invalid; choose another name\n  \(cause)")
            }
        }
        api = try ProtoAPI(
            target: service.api.target, set: set, roots: set.roots(of: service.api.protos), path: service.path,
            package: package
        )
        let names = SwiftNames(set.files)
        guard let changed = set.file(service.file.name)?.service[service.index],
            let method = changed.method.first(where: { $0.name == call }),
            let input = Self.type(method.inputType, of: api, names),
            let output = Self.type(method.outputType, of: api, names)
        else { throw CommandFailure("\(protoPath): protoc does not find \(call) in \(serviceName)") }
        let protocolName = "\(names.service(serviceName, in: service.file.name)).SimpleServiceProtocol"
        values = [
            "target": service.target, "rpc": call,
            "imports": Set([api.target, input.module, output.module]).sorted().map { "import \($0)" }.joined(
                separator: "\n"),
            "name": SwiftWords.upperCamel(call),
            "method": GRPCMethodName(call, among: Set(changed.method.map(\.name))).function,
            "input": input.name, "output": output.name,
            "provider": try Self.type(conformingTo: protocolName, in: "Sources/\(service.target)", of: package),
        ]
    }

    /// The files to write, without the generated code.
    func sources() throws -> [FileTree.File] {
        let files = try Template("rpc").render(values).files
        try package.checkNew(files, remedy: "rename it, or choose another name for the call")
        return files + [proto]
    }

    private static func service(
        _ parts: [String],
        of package: ServicePackage,
        protoPaths: [String]
    ) async throws -> Service {
        var found: [Service] = []
        for api in try package.apis() {
            // Only services whose target is in this package. Other APIs belong to clients.
            guard package.exists("Sources/\(api.target.dropLast(3))") else { continue }
            let path = ProtoPath(for: api.target, given: protoPaths, in: package)
            let set = try await ProtoCompiler(path: path).parse(api.protos)
            for file in api.protos.compactMap({ set.file($0) }) {
                for index in file.service.indices where parts.count == 1 || file.service[index].name == parts[0] {
                    found.append(Service(api: api, path: path, file: file, index: index, set: set))
                }
            }
        }
        guard let first = found.first else {
            let wanted = parts.count == 2 ? "service \"\(parts[0])\"" : "service of its own"
            throw CommandFailure("\(package.directory) has no \(wanted)")
        }
        guard found.count == 1 else {
            let names = found.map { "\($0.descriptor.name).\(parts.last ?? "")" }.joined(separator: " or ")
            throw CommandFailure("there are several services; write \(names)")
        }
        return first
    }

    private static func type(
        _ message: String, of api: ProtoAPI, _ names: SwiftNames
    ) -> (name: String, module: String)? {
        guard let name = names.message(message), let file = api.set.file(declaring: message) else { return nil }
        let module = api.modules[file] ?? api.target
        // The service's own target may contain a type of the same name as a file without a package.
        return (names.prefix(of: file).isEmpty ? "\(module).\(name)" : name, module)
    }

    /// Finds the type of a target that conforms to a protocol with a given name.
    private static func type(
        conformingTo name: String,
        in directory: String,
        of package: ServicePackage
    ) throws -> String {
        for path in try package.swiftFiles(in: directory) {
            for line in try package.text(path).split(separator: "\n") where line.contains(name) {
                let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
                let kinds = ["struct", "class", "actor", "enum", "extension"]
                if let kind = words.firstIndex(where: kinds.contains), kind + 1 < words.count { return words[kind + 1] }
            }
        }
        throw CommandFailure("no type in \(directory) conforms to \(name), and the handler needs one")
    }
}
