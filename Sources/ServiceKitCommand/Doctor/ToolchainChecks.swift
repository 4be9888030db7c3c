import Foundation

extension Check {
    /// The checks of the tools that builds need.
    static var toolchain: [Check] {
        [
            Check("swift") { swift(await ToolRun.output("swift", "--version")) },
            Check("libraries", libraries),
            Check("protoc") { protoc(await ToolRun.output("protoc", "--version")) },
            Check("protoc imports") { await imports(ProtoPath(ProtoPath.wellKnown)) },
            Check("protoc plugins", plugins),
        ]
    }

    static let oldestSwift = [6, 2]

    static func swift(_ output: String?) -> Finding {
        let remedy = "install Swift 6.2 or later: https://www.swift.org/install"
        guard let output else { return .bad("not found on the PATH", remedy: remedy) }
        guard let version = Self.version(in: output) else { return .bad(noVersion("swift", output), remedy: remedy) }
        guard !version.lexicographicallyPrecedes(oldestSwift) else {
            return .bad("\(Self.text(version)) is too old", remedy: remedy)
        }
        return .good(Self.text(version))
    }

    static func protoc(_ output: String?) -> Finding {
        let remedy = "apt-get install protobuf-compiler"
        guard let output else {
            return .warning("not found on the PATH; needed to change a service's API, not to build it", remedy: remedy)
        }
        guard let version = Self.version(in: output) else {
            return .warning(noVersion("protoc", output), remedy: remedy)
        }
        return .good(Self.text(version))
    }

    /// Checks that protoc finds the files that most .proto files import.
    static func imports(_ path: ProtoPath) async -> Finding {
        guard await ToolRun.exists("protoc") else { return .good("not tried without protoc") }
        let names = ["google/protobuf/timestamp.proto", "google/api/annotations.proto"]
        do {
            let imports = names.map { "import \"\($0)\";\n" }.joined()
            try await withTemporaryDirectory { directory in
                try Data("syntax = \"proto3\";\n\(imports)".utf8).write(to: URL(filePath: "\(directory)/doctor.proto"))
                let path = path.preceded(by: .init(path: directory, origin: .api))
                _ = try await ProtoCompiler(path: path).parse(["doctor.proto"])
            }
            return .good(names.map { "\($0) in \(path.directory(of: $0)?.path ?? "protoc")" }.joined(separator: ", "))
        } catch {
            return .warning("\(error)", remedy: "install kit again: make install")
        }
    }

    /// The first version number in a text: `6.3.1`.
    private static func version(in text: String) -> [Int]? {
        guard let match = text.firstMatch(of: /\d+(\.\d+)+/) else { return nil }
        return match.output.0.split(separator: ".").compactMap { Int($0) }
    }

    private static func text(_ version: [Int]) -> String {
        version.map(String.init).joined(separator: ".")
    }

    private static func noVersion(_ name: String, _ output: String) -> String {
        let line = output.split(separator: "\n").first ?? "nothing"
        return "\(name) --version does not print a version, but: \(line.prefix(200))"
    }

    /// The C libraries: their names in pkg-config, their headers, and their packages in Debian.
    private static let needed = [
        ("libnghttp2", "nghttp2/nghttp2.h", "libnghttp2-dev"),
        ("yaml-0.1", "yaml.h", "libyaml-dev"),
        ("zlib", "zlib.h", "zlib1g-dev"),
    ]

    private static func libraries() async -> Finding {
        let hasTool = await ToolRun.exists("pkg-config")
        var missing: [(name: String, package: String)] = []
        for (name, header, package) in needed {
            let isThere =
                hasTool
                ? await ToolRun.succeeds("pkg-config", "--exists", name)
                : ["/usr/include", "/usr/local/include", "/opt/homebrew/include"].contains {
                    FileManager.default.fileExists(atPath: "\($0)/\(header)")
                }
            if !isThere { missing.append((name, package)) }
        }
        guard missing.isEmpty else {
            let packages = missing.map(\.package).joined(separator: " ")
            return .bad(
                "missing: \(missing.map(\.name).joined(separator: ", "))",
                remedy: "apt-get install \(packages)\(hasTool ? "" : " pkg-config")"
            )
        }
        let names = needed.map(\.0).joined(separator: ", ")
        return hasTool
            ? .good(names)
            : .warning("\(names), but no pkg-config to find them", remedy: "apt-get install pkg-config")
    }

    private static func plugins() async -> Finding {
        var found: [String] = []
        for name in ["protoc-gen-swift", "protoc-gen-grpc-swift-2"] where await ToolRun.exists(name) {
            found.append(name)
        }
        return found.count == 2
            ? .good(found.joined(separator: ", "))
            : .good("not on the PATH; kit proto generate builds them when it first needs them")
    }
}
