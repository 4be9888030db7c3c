import FoundationEssentials
import Glibc

/// The file of one instance: where it is, and what is written in it.
///
/// Its owner keeps it open and locked (see ``OwnedInstanceFile``). The contents are the JSON of a ``ServiceInstance``
/// and the process that owns it.
struct InstanceFile: Sendable {
    /// The service's directory.
    let directory: String
    let service: String
    let id: String

    /// The most bytes that are read of a file: 1 MiB.
    static let maximumSize = 1 << 20

    let name: String
    let path: String

    init(directory: String, service: String, id: String) {
        self.directory = directory
        self.service = service
        self.id = id
        name = Self.name(of: id)
        path = "\(directory)/\(name)"
    }

    /// The name of an instance's file.
    static func name(of id: String) -> String { id + ".json" }

    /// The id in the name of a file; `nil` when no instance's file is called so.
    static func id(inName name: String) -> String? {
        guard name.hasSuffix(".json"), !name.hasPrefix(".") else { return nil }
        return String(name.dropLast(".json".count))
    }

    /// What reading a file finds.
    enum Finding {
        /// An instance whose owner lives.
        case live(ServiceInstance)
        /// Nothing, or what is to become an instance.
        case nothing
        /// What an owner left when it died.
        case leftover(FileStatus.Version)
        /// Something that is no instance's file.
        case foreign(FileStatus.Version?, reason: String)
    }

    /// Reads the file.
    ///
    /// - Throws: When the failure says nothing about this file, such as when descriptors run out.
    func read() throws(SystemError) -> Finding {
        // Replaced while it was read, as by an update, it is read again; this often in a row means mischief.
        for _ in 0..<16 {
            if let finding = try attemptRead() { return finding }
        }
        return .foreign(nil, reason: "it changes all the time")
    }

    private func attemptRead() throws(SystemError) -> Finding? {
        let status: FileStatus
        let contents: [UInt8]?
        let hasOwner: Bool
        do {
            let file = try OpenFile(path, .reading)
            status = try file.status()
            guard status.isRegular else { return .foreign(status.version, reason: "it is no regular file") }
            contents = try file.read(limit: Self.maximumSize)
            hasOwner = try file.isLocked()
            // No owner may also mean that the owner has just put another file in its place. This one stays open until
            // that is known: when it is closed, its number may be given to the very file that is there next.
            let isReplaced = try withExtendedLifetime(file) { () throws(SystemError) -> Bool in
                if hasOwner { return false }
                return try FileStatus.ofLink(path)?.identity != status.identity
            }
            if isReplaced { return nil }
        } catch {
            if error.isAbsence { return .nothing }
            if error.isExhaustion { throw error }
            if error.number == ELOOP { return .foreign(nil, reason: "it is a symbolic link") }
            // A directory that cannot be looked at says nothing about the others.
            return .foreign(try? FileStatus.ofLink(path)?.version, reason: "\(error)")
        }

        guard let contents else {
            return .foreign(status.version, reason: "it is longer than \(Self.maximumSize) bytes")
        }
        guard !contents.isEmpty else { return hasOwner ? .nothing : .leftover(status.version) }
        do {
            let instance = try decode(contents)
            return hasOwner ? .live(instance) : .leftover(status.version)
        } catch {
            return .foreign(status.version, reason: "\(error)")
        }
    }

    private func decode(_ contents: [UInt8]) throws -> ServiceInstance {
        let instance = try JSONDecoder().decode(ServiceInstance.self, from: Data(contents))
        guard instance.id == id, instance.name == service else {
            throw RegistryError(
                code: .invalidInstance,
                message: "it holds instance \"\(instance.id)\" of service \"\(instance.name)\" and so is misplaced"
            )
        }
        // Its id and name are to be safe in paths; the rest is what others make of it.
        try instance.validateNames()
        return instance
    }

    /// The process that the file says owns it.
    func ownerProcess() -> Int? {
        guard let file = try? OpenFile(path, .reading), let contents = try? file.read(limit: Self.maximumSize) else {
            return nil
        }
        return try? JSONDecoder().decode(Owner.self, from: Data(contents)).pid
    }

    /// The contents for an instance of this process.
    static func contents(for instance: ServiceInstance) throws(SystemError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(Record(instance: instance, owner: Owner(pid: Int(getpid())))) + [0x0A])
        } catch {
            // Strings and maps of strings always have a JSON form.
            throw SystemError("encode instance", instance.id, number: EINVAL)
        }
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
