import Foundation
import Logging
public import ServiceKit
import ServiceKitConfig

extension Plugin {
    /// The registry `phonebook`.
    public static var phonebook: Plugin { .registry(PhonebookRegistry.self) }
}

/// A registry in one JSON file, for all processes that can open it. An instance is a line, which its owner renews.
struct PhonebookRegistry: Registry, RegistryBackend {
    /// The section `registry.phonebook` of the configuration.
    struct Options: ConfigurationSection {
        /// The file.
        var path = "/tmp/phonebook.json"
        /// How long a line outlives its owner.
        var ttl = Duration.seconds(10)
    }

    static let name = "phonebook"
    let book: Phonebook
    let ttl: Duration
    let logger: Logger
    /// The number of open watches.
    let watches = Watched(0)

    static func make(_ options: Options, logger: Logger) throws -> any Registry {
        guard options.ttl > .zero else { throw ConfigurationError(message: "must be more than 0", keyPath: "ttl") }
        return PhonebookRegistry(book: Phonebook(path: options.path), ttl: options.ttl, logger: logger)
    }

    func register(_ instance: ServiceInstance) throws(RegistryError) -> any Registration {
        let entry = PhonebookEntry(book: book, ttl: ttl, service: instance.name, id: instance.id)
        return try KeptRegistration(instance, in: entry, logger: logger)
    }

    func instances(of service: String) async throws -> InstanceSet {
        try ServiceInstance.validate(serviceName: service)
        let found = try book.read()[service, default: [:]].compactMap { id, line in
            let instance = try? JSONDecoder().decode(ServiceInstance.self, from: Data(line.instance.utf8))
            if instance == nil { logger.debug("no instance", metadata: ["service": "\(service)", "id": "\(id)"]) }
            return instance
        }
        return InstanceSet(found)
    }

    func services() async throws -> [String] {
        try book.read().filter { !$0.value.isEmpty }.keys.sorted()
    }

    func watch(_ service: String) -> DiscoveryUpdates {
        DiscoveryUpdates(of: service, grace: ttl) { feed in
            watches.update { $0 += 1 }
            defer { watches.update { $0 -= 1 } }
            while !Task.isCancelled {
                do {
                    let instances = Array(try await instances(of: service))
                    feed.change { $0.replace(with: instances) }
                } catch {
                    feed.change { $0.interrupted("\(error)") }
                }
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}

/// An instance's line, from its owner's side.
struct PhonebookEntry: RegistryEntry {
    let book: Phonebook
    let ttl: Duration
    let service: String
    let id: String
    let owner = UUID()

    func write(_ instance: KeptInstance) async throws {
        let text = String(decoding: try JSONEncoder().encode(instance.published), as: UTF8.self)
        try await book.change { lines in
            if let line = lines[service]?[id], line.owner != owner {
                throw RegistryError(
                    code: .alreadyRegistered,
                    message: "\(book): \(service) has an instance \"\(id)\"; register under another id",
                    endsWithin: .seconds(line.expires.timeIntervalSinceNow)
                )
            }
            lines[service, default: [:]][id] = .init(owner: owner, expires: .now + ttl / .seconds(1), instance: text)
        }
    }

    func keep(_ instance: KeptInstance) async throws {
        while true {
            try await Task.sleep(for: ttl / 3)
            try await book.change { lines in
                guard lines[service]?[id]?.owner == owner else {
                    throw RegistryError(code: .lost, message: "\(book): the line of \"\(id)\" is gone")
                }
                lines[service]?[id]?.expires = .now + ttl / .seconds(1)
            }
        }
    }

    func remove() async throws {
        try await book.change { lines in
            if lines[service]?[id]?.owner == owner { lines[service]?[id] = nil }
        }
    }
}

/// The file: lines by service and id.
struct Phonebook: CustomStringConvertible {
    typealias Lines = [String: [String: Line]]

    struct Line: Codable {
        var owner: UUID
        var expires: Date
        var instance: String
    }

    let path: String
    var description: String { "phonebook \(path)" }

    /// The lines that their owners renew.
    func read() throws -> Lines {
        guard FileManager.default.fileExists(atPath: path) else { return [:] }
        do {
            let lines = try JSONDecoder().decode(Lines.self, from: Data(contentsOf: URL(filePath: path)))
            return lines.mapValues { $0.filter { $0.value.expires > .now } }
        } catch {
            throw RegistryError(code: .unavailable, message: "\(self): cannot be read: \(error)")
        }
    }

    /// Changes the file: one process at a time, while the others read the file as it was.
    func change(_ body: (inout Lines) throws -> Void) async throws {
        let lock = open("\(path).lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        defer { close(lock) }
        let limit = ContinuousClock.now + .seconds(5)
        while flock(lock, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK, .now < limit else {
                throw RegistryError(code: .unavailable, message: "\(self).lock: error \(errno)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        var lines = try read()
        try body(&lines)
        try JSONEncoder().encode(lines).write(to: URL(filePath: path), options: .atomic)
    }
}
