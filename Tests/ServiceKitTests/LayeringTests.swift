import Foundation
import Testing

/// The layers of the package: a target imports only targets below it, and a folder of the core uses only types of folders
/// below it. The sources are read, because the compiler accepts any import that the manifest allows.
@Suite struct LayeringTests {
    /// The package's own targets that a target may import. Each target in `Sources` has its line.
    static let imports: [String: Set<String>] = [
        "CServiceKitNghttp2": [],
        "CServiceKitYAML": [],
        "CServiceKitZlib": [],
        "ServiceKitConfig": ["CServiceKitYAML"],
        "ServiceKitConcurrency": [],
        "ServiceKit": ["ServiceKitConfig", "ServiceKitConcurrency"],
        "ServiceKitConfigProvider": ["ServiceKit", "ServiceKitConfig"],
        "ServiceKitHTTP2": ["CServiceKitNghttp2"],
        "GRPCNghttp2Transport": ["ServiceKitHTTP2", "CServiceKitZlib"],
        "EtcdClient": ["GRPCNghttp2Transport", "ServiceKitConcurrency"],
        "ServiceKitEtcd": ["EtcdClient", "ServiceKit", "ServiceKitConfig", "ServiceKitConcurrency"],
        "ServiceKitProtobuf": [],
        "ServiceKitGRPC": [
            "GRPCNghttp2Transport", "ServiceKit", "ServiceKitConfig", "ServiceKitConcurrency", "ServiceKitHTTP2",
            "ServiceKitProtobuf",
        ],
        "ServiceKitHTTP": [
            "GRPCNghttp2Transport", "ServiceKit", "ServiceKitConfig", "ServiceKitGRPC", "ServiceKitHTTP2",
            "ServiceKitProtobuf",
        ],
        "ServiceKitHTTPClient": [
            "GRPCNghttp2Transport", "ServiceKit", "ServiceKitConfig", "ServiceKitConcurrency", "ServiceKitGRPC",
            "ServiceKitHTTP2",
        ],
        "ServiceKitHummingbird": ["ServiceKit", "ServiceKitHTTP"],
        "ServiceKitAuth": ["ServiceKit", "ServiceKitConfig", "ServiceKitConcurrency", "ServiceKitProtobuf"],
        "ServiceKitTesting": ["ServiceKit", "ServiceKitConfig", "ServiceKitConcurrency"],
        // The command line knows everything but a backend: a team links its own.
        "ServiceKitCommand": [
            "GRPCNghttp2Transport", "ServiceKit", "ServiceKitConfig", "ServiceKitConcurrency", "ServiceKitGRPC",
            "ServiceKitHTTPClient", "ServiceKitProtobuf", "ServiceKitTemplates",
        ],
    ]

    /// Modules of other packages that a target may not import, by the start of their names: the contracts know no
    /// transport, and the core of a client no kit.
    static let foreign: [String: [String]] = [
        "ServiceKitConfig": ["NIO", "GRPC", "SwiftProtobuf", "Logging"],
        "ServiceKitConfigProvider": ["NIO", "GRPC", "SwiftProtobuf"],
        "ServiceKitConcurrency": ["NIO", "GRPC", "SwiftProtobuf"],
        "ServiceKit": ["NIO", "GRPC", "SwiftProtobuf"],
        "ServiceKitEtcd": ["NIO", "GRPC", "SwiftProtobuf"],
        "ServiceKitHTTP2": ["GRPC", "SwiftProtobuf"],
        "ServiceKitProtobuf": ["NIO", "GRPC"],
        "ServiceKitTesting": ["NIO", "GRPC", "SwiftProtobuf"],
    ]

    static let sources = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources").standardizedFileURL

    /// The Swift files below a folder of `Sources`, with their text.
    static func files(in folder: String) throws -> [(path: String, text: String)] {
        let root = sources.appending(path: folder)
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        return try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map {
            ($0.path(percentEncoded: false), try String(contentsOf: $0, encoding: .utf8))
        }
    }

    @Test func everyTargetIsListed() throws {
        let targets = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path(percentEncoded: false))
        #expect(Set(targets.filter { !$0.hasPrefix(".") }).symmetricDifference(Self.imports.keys).sorted() == [])
    }

    @Test(arguments: imports.keys.sorted())
    func aTargetImportsOnlyTargetsBelowIt(_ target: String) throws {
        let own = Set(Self.imports.keys).union(["ServiceKitTemplates"])
        let allowed = Self.imports[target] ?? []
        for (path, text) in try Self.files(in: target) {
            for match in text.matches(of: /(?m)^\s*(?:\w+ )?import (\w+)/) {
                let module = String(match.1)
                #expect(!own.contains(module) || allowed.contains(module), "\(path) imports \(module)")
                #expect(
                    !(Self.foreign[target] ?? []).contains { module.hasPrefix($0) },
                    "\(path) imports \(module)"
                )
            }
        }
    }

    /// `App` stands above all other folders of the core: none of them uses a type of it.
    @Test func noFolderOfTheCoreUsesTheApp() throws {
        let declaration = /(?m)^\s*(?:\w+ )*(?:struct|class|enum|protocol|actor) (\w+)/
        func declared(_ files: [(path: String, text: String)]) -> Set<String> {
            Set(files.flatMap { $0.text.matches(of: declaration).map { String($0.1) } })
        }
        let app = declared(try Self.files(in: "ServiceKit/App"))
        for folder in ["Registry", "Balancing", "Middleware", "Errors", "Metadata", "Logging", "Concurrency"] {
            let files = try Self.files(in: "ServiceKit/\(folder)")
            let names = app.subtracting(declared(files))
            for (path, text) in files {
                // Comments and texts may name the App.
                let code = text.replacing(/\/\/[^\n]*/, with: "").replacing(/"[^"\n]*"/, with: "")
                // A member of another type, such as `Logger.Level`, is none of the App's.
                let used = names.intersection(code.matches(of: /\.?\w+/).map { String($0.0) })
                #expect(used.sorted() == [], "\(path)")
            }
        }
    }
}
