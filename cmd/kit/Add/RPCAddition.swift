/// A call to add to a service.
struct RPCAddition: Sendable {
    let package: ServicePackage
    /// The API with the call in its .proto file.
    let api: ServicePackage.API

    private let proto: String
    private let values: [String: String]

    /// Finds where a call belongs.
    ///
    /// - Parameters:
    ///   - name: `RenameUser`, or `UserService.RenameUser`.
    ///   - package: The service.
    /// - Throws: `CommandFailure` when it cannot be added.
    init(_ name: String, to package: ServicePackage) throws {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let call = parts.last ?? ""
        guard parts.count <= 2, call.first?.isUppercase == true, call.utf8.count <= 100,
            call.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
        else {
            throw CommandFailure("\"\(name)\" cannot be the name of a call; write it as in UserService.RenameUser")
        }
        let method = Self.lowerCamel(call)
        if ReservedNames.isKeyword(method) {
            throw CommandFailure("\"\(call)\" cannot be the name of a call: \(method) is a word of the Swift language")
        }
        self.package = package

        // Services whose target is in this package; other APIs are those of clients.
        var found: [(api: ServicePackage.API, file: Int, source: ProtoSource, service: ProtoSource.Service)] = []
        for api in try package.apis() where package.exists("Sources/\(Self.target(of: api))") {
            for (file, proto) in api.protos.enumerated() {
                let source = ProtoSource(String(decoding: proto.bytes, as: UTF8.self))
                for service in source.services where parts.count == 1 || service.name == parts[0] {
                    found.append((api, file, source, service))
                }
            }
        }
        guard let first = found.first else {
            let wanted = parts.count == 2 ? "service \"\(parts[0])\"" : "service of its own"
            throw CommandFailure("\(package.directory) has no \(wanted)")
        }
        guard found.count == 1 else {
            let names = found.map { "\($0.service.name).\(call)" }.joined(separator: " or ")
            throw CommandFailure("there are several services; write \(names)")
        }
        guard !first.service.calls.contains(call) else {
            throw CommandFailure("\(first.service.name) has \(call) already")
        }
        let prefix = try ProtoPackage(first.source.package).typePrefix
        let target = Self.target(of: first.api)
        var api = first.api
        proto = api.protos[first.file].path
        let text = first.source.adding(call, to: first.service)
        api.protos[first.file] = FileTree.File(path: proto, bytes: Array(text.utf8))
        self.api = api
        let protocolName = "\(prefix)\(first.service.name).SimpleServiceProtocol"
        values = [
            "target": target, "api": api.target, "rpc": call, "method": method, "prefix": prefix,
            "provider": try Self.type(conformingTo: protocolName, in: "Sources/\(target)", of: package),
        ]
    }

    /// The files to write beside the generated code.
    func sources() throws -> [FileTree.File] {
        let files = try Template("rpc").render(values).files
        for file in files where package.exists(file.path) {
            throw CommandFailure("\(file.path) is there already; rename it, or choose another name for the call")
        }
        let changed = api.protos.filter { $0.path == proto }
        return files + changed.map { FileTree.File(path: "\(api.directory)/\($0.path)", bytes: $0.bytes) }
    }

    /// `UserService` for `UserServiceAPI`.
    private static func target(of api: ServicePackage.API) -> String { String(api.target.dropLast(3)) }

    /// The type of a target that conforms to a protocol by its name.
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
        throw CommandFailure("no type in \(directory) conforms to \(name); the handler belongs to one")
    }

    /// The name of a call's function, as the plugin writes it: capitals at the beginning become small, as in
    /// `importCSV` and `csvImport`.
    static func lowerCamel(_ name: String) -> String {
        guard let small = name.firstIndex(where: \.isLowercase), small != name.startIndex else {
            return name.lowercased()
        }
        let end = name.index(before: small)
        if end == name.startIndex { return name[...end].lowercased() + name[small...] }
        return name[..<end].lowercased() + name[end...]
    }
}
