import Foundation
import ServiceKitConfig
import Testing

@testable import ServiceKitCommand

/// The output of the template.
struct ServiceTemplateTests {
    static func tree(_ name: String, package: String? = nil, registry: String = "file") throws -> FileTree {
        let name = try ServiceName(name, package: package)
        return try NewService(name: name, registry: registry, kit: KitSource(nil, in: "/")).render()
    }

    static func text(_ path: String, of tree: FileTree) throws -> String {
        String(decoding: try #require(tree.files.first { $0.path == path }, "\(path)").bytes, as: UTF8.self)
    }

    @Test func theFilesAreWhereTheyBelong() throws {
        #expect(
            try Self.tree("user-service").files.map(\.path) == [
                ".dockerignore", ".github/workflows/ci.yml", ".gitignore", "Dockerfile", "Makefile", "Package.swift",
                "README.md", "Sources/UserService/Data/InMemoryUserRepository.swift",
                "Sources/UserService/Domain/User.swift", "Sources/UserService/Domain/UserRepository.swift",
                "Sources/UserService/Domain/UserUseCase.swift", "Sources/UserService/Main.swift",
                "Sources/UserService/Service/UserProvider.swift",
                "Sources/UserServiceAPI/user.descriptors.swift", "Sources/UserServiceAPI/user.grpc.swift",
                "Sources/UserServiceAPI/user.pb.swift", "Sources/UserServiceAPI/user.proto",
                "Sources/UserServiceAPI/user.servicekit.swift",
                "Tests/UserServiceTests/Serving.swift", "Tests/UserServiceTests/UserServiceTests.swift",
                "Tests/UserServiceTests/UserUseCaseTests.swift", "config/config.production.yaml", "config/config.yaml",
            ]
        )
    }

    @Test(arguments: ["order-item-service", "category"])
    func everythingIsRendered(_ name: String) throws {
        for file in try Self.tree(name).files {
            let text = String(decoding: file.bytes, as: UTF8.self)
            #expect(!text.contains("{{"), "\(file.path)")
            #expect(!text.contains("&quot;") && !text.contains("&gt;"), "\(file.path)")
            for word in ["greeter", "user", "qentity"] {
                let hits = text.lowercased().components(separatedBy: word).count - 1
                // These words belong to other things: a user of a machine, a client's user.
                let others = ["useradd", "user 10001", "a user without", "user-agent"].reduce(0) {
                    $0 + text.lowercased().components(separatedBy: $1).count - 1
                }
                #expect(hits == (word == "user" ? others : 0), "\(file.path) says \(word)")
            }
            // protoc's own files may end in any way.
            if !file.path.hasSuffix(".grpc.swift") { #expect(text.hasSuffix("\n"), "\(file.path)") }
            #expect(!text.hasSuffix("\n\n"), "\(file.path)")
            #expect(!text.contains(" \n"), "\(file.path)")
        }
    }

    @Test func theConfigurationNamesTheRegistry() throws {
        let tree = try Self.tree("OrderService", registry: "etcd")
        let configuration = try Configuration(yaml: Self.text("config/config.yaml", of: tree))
        #expect(try configuration.decode(String.self, at: "registry.backend") == "etcd")
        #expect(try configuration.decode(String.self, at: "app.name") == "order-service")
        _ = try Configuration(yaml: Self.text("config/config.production.yaml", of: tree))
    }

    @Test func theListingHasEveryFileAndItsSize() throws {
        let tree = FileTree([
            .init(path: "b/c/d", bytes: [1, 2]), .init(path: "a", bytes: []), .init(path: "b/e", bytes: [1]),
        ])
        #expect(
            tree.listing(of: "x") == [
                "x/",
                "  a      0",
                "  b/",
                "    c/",
                "      d  2",
                "    e    1",
                "3 files  3",
            ]
        )
    }
}
