import FoundationEssentials
import ServiceKitConfig

/// A client of another service to add to a service.
struct ClientAddition: Sendable {
    let package: ServicePackage
    /// The other service's API, as it will be in the package.
    let api: ServicePackage.API

    private let target: String
    private let manifest: String
    private let values: [String: String]

    /// What the client is called in Swift: `orderService`.
    var variable: String { values["variable"] ?? "" }

    /// Finds the other service.
    ///
    /// - Parameters:
    ///   - path: Its directory, or its .proto file.
    ///   - name: By what name it registers; by default as its configuration says, else as its service is called.
    ///   - package: The service that calls it.
    /// - Throws: `CommandFailure` when it cannot be added.
    init(of path: String, named name: String?, to package: ServicePackage) throws {
        let path = URL(filePath: path).standardizedFileURL.path
        let (proto, configured) = try Self.proto(at: path)
        let source = ProtoSource(String(decoding: proto.bytes, as: UTF8.self))
        guard let service = source.services.first, source.services.count == 1 else {
            throw CommandFailure("\(path) has \(source.services.count) services; name a .proto file with one")
        }
        let words = Words(splitting: service.name)
        let target = service.name + "API"
        guard !package.exists("Sources/\(target)") else {
            throw CommandFailure("Sources/\(target) is there already: the service has this API")
        }
        self.package = package
        self.target = try package.executableTarget()
        api = ServicePackage.API(target: target, protos: [proto])
        manifest = try Self.adding(target, proto: proto.path, to: self.target, in: package.text("Package.swift"))
        values = [
            "target": self.target, "api": target, "service": service.name, "variable": words.lowerCamel,
            "prefix": try ProtoPackage(source.package).typePrefix, "name": name ?? configured ?? words.kebab,
        ]
    }

    /// The files to write beside the generated code.
    func sources() throws -> [FileTree.File] {
        let files = try Template("client").render(values).files
        for file in files where package.exists(file.path) {
            throw CommandFailure("\(file.path) is there already; rename it first")
        }
        let protos = api.protos.map { FileTree.File(path: "\(api.directory)/\($0.path)", bytes: $0.bytes) }
        return files + protos + [FileTree.File(path: "Package.swift", bytes: Array(manifest.utf8))]
    }

    /// The .proto file of a service, and its name in the registry where that is known.
    private static func proto(at path: String) throws -> (FileTree.File, name: String?) {
        if path.hasSuffix(".proto") {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw CommandFailure("\(path) cannot be read")
            }
            return (FileTree.File(path: URL(filePath: path).lastPathComponent, bytes: Array(data)), nil)
        }
        let other = try ServicePackage(at: path)
        let own = try other.apis().filter { other.exists("Sources/\($0.target.dropLast(3))") }
        let protos = own.flatMap(\.protos).filter {
            !ProtoSource(String(decoding: $0.bytes, as: UTF8.self)).services.isEmpty
        }
        guard let proto = protos.first, protos.count == 1 else {
            throw CommandFailure("\(path) has \(protos.count) .proto files with a service; name one of them")
        }
        guard other.exists("config/config.yaml") else { return (proto, nil) }
        let configuration = try Configuration.load(files: [other.path("config/config.yaml")], environment: [:])
        return (proto, try configuration.decodeIfPresent(String.self, at: "app.name"))
    }

    /// The manifest with the API as a target that another one depends on.
    ///
    /// - Throws: `CommandFailure` with what to add by hand when the manifest is not as `kit new` writes it.
    static func adding(_ api: String, proto: String, to target: String, in manifest: String) throws -> String {
        let targets = "    targets: [\n"
        let dependencies = "name: \"\(target)\",\n            dependencies: ["
        guard manifest.components(of: targets) == 1, manifest.components(of: dependencies) == 1,
            manifest.contains("let grpcProtobuf = "), manifest.contains("let settings")
        else {
            throw CommandFailure(
                "Package.swift is not as kit new writes it; add a target \(api) with grpc, grpcProtobuf and protobuf, on which "
                    + "\(target) depends, by hand, and then: kit proto generate"
            )
        }
        let text = """
                    .target(
                        name: "\(api)",
                        dependencies: [grpc, grpcProtobuf, protobuf],
                        exclude: ["\(proto)"],
                        swiftSettings: settings
                    ),

            """
        return manifest.replacing(targets, with: targets + text)
            .replacing(dependencies, with: dependencies + "\n                \"\(api)\",")
    }
}

extension String {
    /// How often a text occurs.
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
