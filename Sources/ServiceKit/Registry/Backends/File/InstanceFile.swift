import FoundationEssentials
import Glibc

/// The place of one instance's file, and the file's format.
///
/// The owner keeps the file open and locked (see ``OwnedInstanceFile``). The contents are the JSON of a
/// ``ServiceInstance`` and the number of the owner's process.
struct InstanceFile: Sendable {
    /// The most bytes that are read of a file: 1 MiB.
    static let maximumSize = 1 << 20

    let directory: String
    let service: String
    let id: String

    var name: String { Self.name(of: id) }
    var path: String { "\(directory)/\(name)" }

    static func name(of id: String) -> String { id + ".json" }

    /// The id in the name of a file; `nil` when no instance's file has such a name.
    static func id(inName name: String) -> String? {
        name.hasSuffix(".json") && !name.hasPrefix(".") ? String(name.dropLast(".json".count)) : nil
    }

    // MARK: - Reading

    enum Finding {
        /// An instance whose owner lives.
        case live(ServiceInstance)
        /// Nothing, or a file that its owner has not written yet.
        case nothing
        /// A file whose owner has died.
        case leftover(FileStatus)
        /// A file that is no instance's.
        case foreign(FileStatus?, reason: String)
    }

    /// Reads the file. Throws a failure that says nothing about this file, such as when descriptors run out.
    func read() throws(SystemError) -> Finding {
        switch try FileContents.read(path, limit: Self.maximumSize) {
        case .nothing:
            return .nothing
        case .unusable(let status, let reason):
            return .foreign(status, reason: reason)
        case .bytes(let bytes, let status, let isLocked):
            guard !bytes.isEmpty else { return isLocked ? .nothing : .leftover(status) }
            do {
                let instance = try decode(bytes)
                return isLocked ? .live(instance) : .leftover(status)
            } catch {
                return .foreign(status, reason: "\(error)")
            }
        }
    }

    private func decode(_ bytes: [UInt8]) throws -> ServiceInstance {
        let instance = try JSONDecoder().decode(ServiceInstance.self, from: Data(bytes))
        guard instance.id == id, instance.name == service else {
            throw RegistryError(
                code: .invalidInstance,
                message: "it holds instance \"\(instance.id)\" of service \"\(instance.name)\" and so is misplaced"
            )
        }
        // The id and the name must be safe in paths. The users of the instance check the rest.
        try instance.validateNames()
        return instance
    }

    /// The error of a process that cannot have the file because of its owner: it says in which state the instance is, and
    /// what can be done other than to stop the owner.
    func ownedError(_ state: String, remedy: String) -> RegistryError {
        var owner: Int?
        if case .bytes(let bytes, _, _)? = try? FileContents.read(path, limit: Self.maximumSize) {
            owner = try? JSONDecoder().decode(Owner.self, from: Data(bytes)).pid
        }
        return RegistryError(
            code: .alreadyRegistered,
            message: "file registry: instance \"\(id)\" of service \"\(service)\" \(state)"
                + (owner.map { " by process \($0)" } ?? "") + " (\(path)); stop that process, \(remedy)"
        )
    }

    // MARK: - Writing

    static func contents(for instance: ServiceInstance) throws(SystemError) -> [UInt8] {
        let owner = Owner(pid: Int(getpid()))
        return try FileContents.json(Record(instance: instance, owner: owner), formatting: .prettyPrinted) + [0x0A]
    }

    private struct Owner: Codable {
        let pid: Int
    }

    /// Both in one JSON object.
    private struct Record: Encodable {
        let instance: ServiceInstance
        let owner: Owner

        func encode(to encoder: any Encoder) throws {
            try instance.encode(to: encoder)
            try owner.encode(to: encoder)
        }
    }
}
