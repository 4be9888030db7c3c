import Foundation
import Logging
import ServiceKit
import ServiceKitTesting
import Testing

@testable import AcmeServiceKit

/// A phonebook of its own for each test, in a directory that is removed with it.
final class TestPhonebook: Sendable {
    private let directory: URL
    let book: Phonebook
    /// The options for `kit`.
    let arguments: [String]

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "phonebook-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        book = Phonebook(path: directory.appending(path: "book.json").path)
        arguments = [
            "--backend", "phonebook", "--set", "registry.phonebook.path=\(book.path)", "--set",
            "registry.phonebook.ttl=2s",
        ]
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }

    func registry() -> PhonebookRegistry {
        PhonebookRegistry(book: book, ttl: .seconds(2), logger: LogRecorder().logger())
    }

    /// The file while it is away.
    var away: Phonebook { Phonebook(path: book.path + ".away") }

    /// Puts a link to a directory in the file's place, in one step: it can be neither read nor changed.
    func takeAway() throws {
        let lock = open("\(book.path).lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        defer { close(lock) }
        #expect(flock(lock, LOCK_EX) == 0)
        try FileManager.default.linkItem(atPath: book.path, toPath: away.path)
        try FileManager.default.createSymbolicLink(atPath: book.path + ".link", withDestinationPath: directory.path)
        #expect(rename(book.path + ".link", book.path) == 0)
    }

    func bringBack() {
        #expect(rename(away.path, book.path) == 0)
    }
}

@Suite(.timeLimit(.minutes(4))) struct PhonebookTests {
    static func conformance() throws -> RegistryConformance {
        let phonebook = try TestPhonebook()
        let book = phonebook.book
        var hooks = RegistryConformance.Hooks()
        hooks.mortalOwner = { instance in
            let owner = UUID()
            let text = String(decoding: try JSONEncoder().encode(instance), as: UTF8.self)
            let renew: @Sendable () async throws -> Void = {
                try await book.change {
                    $0[instance.name, default: [:]][instance.id] = .init(
                        owner: owner, expires: .now + 2, instance: text)
                }
            }
            try await renew()
            let life = Task {
                while true {
                    try await Task.sleep(for: .milliseconds(500))
                    try await renew()
                }
            }
            // The line stays behind.
            return { life.cancel() }
        }
        hooks.plantGarbage = { service in
            try await book.change {
                $0[service, default: [:]]["torn"] = .init(owner: UUID(), expires: .distantFuture, instance: "{")
            }
        }
        hooks.waitUntilIdle = { registry in
            _ = await (registry as? PhonebookRegistry)?.watches.first { $0 == 0 }
        }
        hooks.interrupt = { _ in
            try phonebook.takeAway()
            return { phonebook.bringBack() }
        }
        hooks.interruptAndForget = { service in
            try phonebook.takeAway()
            try await phonebook.away.change { $0[service] = nil }
            return { phonebook.bringBack() }
        }
        hooks.takeOver = { instance in
            let (service, id, owner) = (instance.name, instance.id, UUID())
            try await book.change {
                $0[service]?[id]?.owner = owner
                $0[service]?[id]?.expires = .distantFuture
            }
            return { try await book.change { $0[service]?[id] = nil } }
        }
        hooks.isOperator = false
        // The whole file is written for each instance.
        return RegistryConformance(name: "phonebook", instanceCount: 50, hooks: hooks) { phonebook.registry() }
    }

    @Test(arguments: try conformance().checks)
    func conforms(to check: RegistryConformance.Check) async throws {
        try await Self.conformance().run(check)
    }

    @Test func theGuideShowsThisBackend() throws {
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let source = package.appending(path: "Sources/AcmeServiceKit/PhonebookRegistry.swift")
        let code = try String(contentsOf: source, encoding: .utf8)
        #expect(code.split(separator: "\n", omittingEmptySubsequences: false).count <= 151)
        let page = "docs/handbook/writing-a-backend.md"
        let guide = try String(contentsOf: package.appending(path: "../\(page)"), encoding: .utf8)
        let fence = "```swift file=Examples/Sources/AcmeServiceKit/PhonebookRegistry.swift"
        #expect(guide.contains("\(fence)\n\(code)```\n"), "copy \(source.path) into \(page)")
    }
}
