import FoundationEssentials
import ServiceKit
import ServiceKitConfig
import SwiftProtobuf

/// Clients of another service: one for each gRPC service in its .proto file.
struct ClientAddition: Sendable {
    let package: ServicePackage
    /// The other service's API in this package.
    let api: ProtoAPI

    private let manifest: PackageManifest
    private let clients: [[String: String]]

    /// The service's name in the registry, and whether it comes from the user or the configuration.
    let registeredName: (name: String, isKnown: Bool)

    /// The names of the clients in Swift: `orderService`.
    var variables: [String] { clients.compactMap { $0["variable"] } }

    /// Finds the other service: at its directory, or its .proto file, whose imports are in `protoPaths`. Its default
    /// name in the registry is that in its configuration, else that of its gRPC service.
    init(of path: String, named name: String?, to package: ServicePackage, protoPaths: [String] = []) async throws {
        let path = URL(filePath: path).standardizedFileURL.path
        let other = try await OtherService(at: path, protoPaths: protoPaths, package: package)
        let services = other.file.service
        let (base, short) = try Self.base(of: other, in: package)
        let target = base + "API"
        if let name { try Self.check(name, from: "--name") }
        let configured = try name ?? other.configuredName()
        self.package = package
        let main = try package.executableTarget()
        api = try ProtoAPI(
            target: target, set: other.set, roots: [other.file.name], path: other.path, package: package)
        var manifest = PackageManifest(text: try package.text("Package.swift"))
        try manifest.add(api, to: main)
        self.manifest = manifest

        let registered = configured ?? Words(splitting: short).kebab
        if configured == nil { try Self.check(registered, from: "--name is needed") }
        registeredName = (registered, configured != nil)
        let names = SwiftNames(other.set.files)
        // The service's own target may contain a type of the same name as a file without a package.
        let module = names.prefix(of: other.file.name).isEmpty ? target + "." : ""
        var taken = Set(try package.swiftFiles(in: "Sources/\(main)").map { $0.lowercased() })
        clients = services.map { service in
            // Several clients have the names of their services; the file's name comes first if such a name is taken.
            let name = SwiftWords.upperCamel(service.name)
            let candidates = services.count == 1 ? [base] : [name, base + name, base + name + "2"]
            let client =
                candidates.first { name in !taken.contains { $0.hasSuffix("/\(name.lowercased())client.swift") } }
                ?? base
            taken.insert("/\(client.lowercased())client.swift")
            return [
                "target": main, "api": target, "client": client, "variable": Words(splitting: client).lowerCamel,
                "type": module + names.service(service.name, in: other.file.name),
                "name": registered,
            ]
        }
    }

    /// The files to write, without the generated code.
    func sources() throws -> [FileTree.File] {
        let files = try clients.flatMap { try Template("client").render($0).files }
        try package.checkNew(files, remedy: "rename it first")
        return files + [FileTree.File(path: "Package.swift", bytes: Array(manifest.text.utf8))]
    }

    /// Checks a name like a registry, before it gets into code. The error tells the origin of the name.
    fileprivate static func check(_ name: String, from origin: String) throws {
        do {
            try ServiceInstance.validate(serviceName: name)
        } catch {
            throw CommandFailure("\(origin): \(error.message)")
        }
    }

    /// The API's name without its ending: that of its service, or of its file if the file has several. And the name
    /// that it would have if no other API had it.
    private static func base(
        of other: OtherService,
        in package: ServicePackage
    ) throws -> (base: String, short: String) {
        let (file, services) = (other.file, other.file.service)
        for service in services {
            let name = file.package.isEmpty ? service.name : "\(file.package).\(service.name)"
            if let target = try package.target(serving: name) {
                throw CommandFailure("Sources/\(target) has \(name) already")
            }
        }
        let stem = DescriptorsFile.stem(of: file.name).split(separator: "/").last ?? ""
        let short = SwiftWords.upperCamel(services.count == 1 ? services[0].name : String(stem))
        let long = SwiftWords.upperCamel(file.package) + short
        let types = SwiftNames(other.set.files).types(of: other.set.files.map(\.name))
        let taken = Set((try? FileManager.default.contentsOfDirectory(atPath: package.path("Sources"))) ?? [])
            .map { $0.lowercased() }
        let candidates = [short, short + "Service", long, long + "Service"]
        guard
            let base = candidates.first(where: { base in
                let target = base + "API"
                return !ReservedNames.isModule(target) && !types.contains(target)
                    && !taken.contains(target.lowercased())
            })
        else {
            throw CommandFailure("Sources/\(short)API already exists; rename this target, or the service's file")
        }
        return (base, short)
    }
}

/// Another service: the .proto file with its gRPC services, as protoc reads it.
private struct OtherService {
    let file: Google_Protobuf_FileDescriptorProto
    let set: ProtoSet
    let path: ProtoPath
    /// Its package, if it has the layout of `kit new`.
    private let package: ServicePackage?

    init(at path: String, protoPaths: [String], package: ServicePackage) async throws {
        let here = ProtoPath(for: "", given: [], in: package).directories.filter { $0.origin != .api }
        func searched(_ directories: [String]) -> ProtoPath {
            ProtoPath((protoPaths + directories).map { .init(path: $0, origin: .given) } + here)
        }
        if path.hasSuffix(".proto") {
            guard FileManager.default.isReadableFile(atPath: path) else {
                throw CommandFailure("\(path) cannot be read")
            }
            let search = searched([URL(filePath: path).deletingLastPathComponent().path])
            guard let name = search.name(ofFileAt: path), let found = search.directory(of: name),
                URL(filePath: "\(found.path)/\(name)").resolvingSymlinksInPath().path
                    == URL(filePath: path).resolvingSymlinksInPath().path
            else {
                throw CommandFailure(
                    "\(path): another file of this name, below a --proto-path, comes first; leave that path out")
            }
            set = try await ProtoCompiler(path: search).parse([name])
            guard let file = set.file(name), !file.service.isEmpty else {
                throw CommandFailure("\(path) has no service; name a .proto file with one")
            }
            (self.file, self.path, self.package) = (file, search, nil)
            return
        }
        let other = try ServicePackage(at: path)
        let own = try other.apis().filter { other.exists("Sources/\($0.target.dropLast(3))") }
        self.path = searched((own.map(\.target) + other.apiTargets).map { other.path("Sources/\($0)") })
        let names = own.flatMap(\.protos)
        let all = try await ProtoCompiler(path: self.path).parse(names)
        let files = names.compactMap { all.file($0) }.filter { !$0.service.isEmpty }
        guard let file = files.first, files.count == 1 else {
            throw CommandFailure("\(path) has \(files.count) .proto files with a service; name one of them")
        }
        // Without the files that it does not need.
        set = try await ProtoCompiler(path: self.path).parse([file.name])
        (self.file, self.package) = (set.file(file.name) ?? file, other)
    }

    /// The service's name in the registry, if its configuration has one.
    func configuredName() throws -> String? {
        guard let package, package.exists("config/config.yaml") else { return nil }
        let file = package.path("config/config.yaml")
        let configuration = try Configuration.load(files: [file], environment: [:])
        guard let name = try configuration.decodeIfPresent(String.self, at: "app.name") else { return nil }
        try ClientAddition.check(name, from: "\(file): app.name")
        return name
    }
}
