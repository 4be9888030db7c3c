/// Which targets of a package depend on which. SwiftPM refuses a circle.
struct TargetGraph: Hashable, Sendable {
    private var dependencies: [String: Set<String>] = [:]

    /// Adds what a target depends on.
    mutating func add(_ others: some Sequence<String>, to target: String) {
        dependencies[target, default: []].formUnion(others)
    }

    /// Whether a target names another one as its dependency.
    func names(_ other: String, in target: String) -> Bool { dependencies[target]?.contains(other) == true }

    /// Whether a target depends on another one, also through others.
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
    /// Reads a package: what `Package.swift` names, and what the code imports, in case `Package.swift` is not as `kit new`
    /// writes it.
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

    /// The modules that code imports: `UserServiceAPI` of `@_exported public import struct UserServiceAPI.Common_A`.
    private static func imports(in code: String) -> [String] {
        code.split(whereSeparator: \.isNewline).compactMap { line in
            let words = line.split(separator: " ")
            guard words.contains("import"), let last = words.last else { return nil }
            return String(last.prefix { $0 != "." })
        }
    }
}
