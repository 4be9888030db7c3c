import FoundationEssentials
import ServiceKitProtobuf
import SwiftProtobuf

/// Services with the descriptors of their messages.
struct DescribedServices: Sendable {
    let pool: DescriptorPool
    let services: [ServiceType]

    /// Takes the services of a pool that count, without gRPC's own. Throws `CommandFailure`, which names the place of the
    /// pool, when there are none.
    init(_ pool: DescriptorPool, in place: String, where isOwn: (String) -> Bool = { _ in true }) throws {
        self.pool = pool
        services = pool.ownServices.filter { isOwn($0.name) }
        if services.isEmpty { throw CommandFailure("\(place) has no service with descriptors") }
    }

    /// The operations of the services over HTTP.
    var operations: [HTTPOperation] {
        get throws {
            do throws(RoutingError) {
                return try pool.httpOperations(of: services)
            } catch {
                throw CommandFailure(error.message)
            }
        }
    }

    // MARK: - Files

    /// The services of a file or directory: a `.proto` file, a `google.protobuf.FileDescriptorSet`, or the package of a
    /// service.
    static func read(_ path: String, protoPaths: [String]) async throws -> DescribedServices {
        let full = URL(filePath: path).standardizedFileURL.path
        if FileSystemTree.kind(of: full) == .directory {
            return try await read(ServicePackage(at: full), protoPaths)
        }
        guard path.hasSuffix(".proto") else { return try readSet(full) }
        guard FileManager.default.isReadableFile(atPath: full) else { throw CommandFailure("\(path) cannot be read") }
        let directory = URL(filePath: full).deletingLastPathComponent().path
        let search = ProtoPath(
            (protoPaths + [directory]).map { .init(path: $0, origin: .given) } + ProtoPath.wellKnown)
        guard let name = search.name(ofFileAt: full) else { throw CommandFailure("\(path) cannot be read") }
        return try await compiled([name], search, in: path)
    }

    private static func readSet(_ path: String) throws -> DescribedServices {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("\(path) cannot be read")
        }
        do {
            let files = try DescriptorSetFile(bytes: Array(data)).files { name in
                CommandFailure("\(path): a text of \(name) is not UTF-8")
            }
            return try DescribedServices(DescriptorPool(files), in: path)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(
                "\(path) is neither a .proto file nor the output of protoc --include_imports --descriptor_set_out: \(error)"
            )
        }
    }

    /// The services that a package implements. Its other APIs belong to clients.
    private static func read(_ package: ServicePackage, _ protoPaths: [String]) async throws -> DescribedServices {
        var files: [Google_Protobuf_FileDescriptorProto] = []
        var own: Set<String> = []
        for api in try package.apis() where package.exists("Sources/\(api.target.dropLast(3))") {
            let path = ProtoPath(for: api.target, given: protoPaths, in: package)
            files += try await ProtoCompiler(path: path).parse(api.protos).files
            own.formUnion(api.protos)
        }
        let pool = try DescriptorPool(files)
        return try DescribedServices(pool, in: package.directory) { service in
            pool.file(declaring: service).map { own.contains($0.name) } ?? false
        }
    }

    private static func compiled(
        _ names: [String], _ path: ProtoPath, in place: String
    ) async throws -> DescribedServices {
        let pool = try DescriptorPool(try await ProtoCompiler(path: path).parse(names).files)
        return try DescribedServices(pool, in: place) { service in
            pool.file(declaring: service).map { names.contains($0.name) } ?? false
        }
    }
}
