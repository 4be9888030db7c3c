/// The dependencies of a package's targets. SwiftPM refuses a cycle.
struct TargetGraph: Hashable, Sendable {
    private var dependencies: [String: Set<String>] = [:]

    mutating func add(_ others: some Sequence<String>, to target: String) {
        dependencies[target, default: []].formUnion(others)
    }

    func names(_ other: String, in target: String) -> Bool { dependencies[target]?.contains(other) == true }

    /// Whether a target depends on another target, directly or not.
    func depends(_ target: String, on other: String) -> Bool {
        var seen: Set<String> = []
        var next = [target]
        while let target = next.popLast() {
            guard seen.insert(target).inserted else { continue }
            if names(other, in: target) { return true }
            next += dependencies[target] ?? []
        }
        return false
    }
}

extension TargetGraph {
    /// Reads the dependencies of a package from `Package.swift`, and from the code's imports, since a `Package.swift`
    /// may not have the format of `kit new`.
    init(of package: ServicePackage) throws {
        let manifest = PackageManifest(text: try package.text("Package.swift"))
        let targets = package.targets
        for target in targets {
            add(manifest.dependencies(of: target), to: target)
            for file in (try? package.swiftFiles(in: "Sources/\(target)")) ?? [] {
                add(Self.imports(in: try package.text(file)).filter(targets.contains), to: target)
            }
        }
    }

    /// The modules that code imports: for example `UserServiceAPI` from `@_exported public import struct
    /// UserServiceAPI.Common_A`.
    private static func imports(in code: String) -> [String] {
        code.split(whereSeparator: \.isNewline).compactMap { line in
            let words = line.split(separator: " ")
            guard words.contains("import"), let last = words.last else { return nil }
            return String(last.prefix { $0 != "." })
        }
    }
}
