import Foundation
import ServiceKit
import Testing

@testable import AcmeServiceKit

/// The commands of this package's own `kit` know its plugins.
@Suite(.timeLimit(.minutes(1))) struct KitTests {
    @Test func versionNamesThePhonebook() async throws {
        let version = try await Kit.run(["version"])
        #expect(version.output.contains("phonebook"))
        #expect(version.code == 0)
    }

    @Test func whatOneProcessRegistersAnotherLists() async throws {
        let phonebook = try TestPhonebook()
        let endpoint = "grpc://10.0.0.7:9000"
        let owner = try Kit(
            ["registry", "register", "--name", "user-service", "--endpoint", endpoint] + phonebook.arguments)
        while try phonebook.book.read().isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        let list = try await Kit.run(["registry", "list"] + phonebook.arguments)
        #expect(list.output.contains(endpoint), "\(list.output)")
        await owner.kill()
        // Its line expires.
        while try await phonebook.registry().instances(of: "user-service").count > 0 {
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    @Test(arguments: [("ttl: 2s", "zone: eu", 0), ("tll: 2s", "zone: eu", 1), ("ttl: 2s", "zon: eu", 1)])
    func configCheckKnowsTheOptions(phonebook: String, balancer: String, code: Int32) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try """
        registry: {backend: phonebook, phonebook: {\(phonebook)}}
        client: {balancer: zone_first, balancers: {zone_first: {\(balancer)}}}
        """.write(to: file, atomically: true, encoding: .utf8)
        let check = try await Kit.run(["config", "check", file.path])
        #expect(check.code == code, "\(check.output)")
    }
}
