/// The text of a `Package.swift`, as `kit new` writes it.
struct PackageManifest: Hashable, Sendable {
    private(set) var text: String

    /// Adds a target of an API, on which another target depends.
    ///
    /// - Throws: `CommandFailure` with what to add by hand when the manifest is not as `kit new` writes it.
    mutating func add(_ api: ProtoAPI, to target: String) throws {
        let targets = "    targets: [\n"
        guard text.ranges(of: targets).count == 1, list("dependencies", of: target) != nil,
            text.contains("let grpcProtobuf = "), text.contains("let settings")
        else {
            throw CommandFailure(
                "Package.swift is not as kit new writes it; add a target \(api.target) with grpc, grpcProtobuf and protobuf, "
                    + "on which \(target) depends, by hand, and then: kit proto generate"
            )
        }
        let dependencies = Self.quoted(api.modules.values) + ["grpc", "grpcProtobuf", "protobuf"]
        let new = """
                    .target(
                        name: "\(api.target)",
                        dependencies: [\(dependencies.joined(separator: ", "))],
                        exclude: [\(Self.quoted(api.resources).joined(separator: ", "))],
                        swiftSettings: settings
                    ),

            """
        text = text.replacing(targets, with: targets + new)
        if let list = list("dependencies", of: target) {
            text.insert(contentsOf: "\n                \"\(api.target)\",", at: list.lowerBound)
        }
    }

    /// Adds what an API's target needs that is there already: the modules it imports, and what it has that is no code.
    ///
    /// - Returns: The lines to add by hand, when the manifest is not as `kit new` writes it.
    mutating func update(_ api: ProtoAPI) -> [String] {
        var left: [String] = []
        for (name, values) in [("dependencies", Set(api.modules.values).sorted()), ("exclude", api.resources)] {
            for value in Self.quoted(values).reversed() {
                guard let list = list(name, of: api.target) else {
                    left.append("\(value) to \(name) of the target \(api.target)")
                    continue
                }
                let present = text[list]
                if present.contains(value) { continue }
                let isEmpty = present.allSatisfy(\.isWhitespace)
                text.insert(contentsOf: isEmpty ? value : "\(value), ", at: list.lowerBound)
            }
        }
        return left
    }

    /// The names in quotes among what a target depends on: the package's own targets.
    func dependencies(of target: String) -> [String] {
        guard let list = list("dependencies", of: target) else { return [] }
        return text[list].split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
    }

    private static func quoted(_ values: some Sequence<String>) -> [String] {
        Set(values).sorted().map { "\"\($0)\"" }
    }

    /// The text between the brackets of a target's list.
    private func list(_ name: String, of target: String) -> Range<String.Index>? {
        let heads = text.ranges(of: "name: \"\(target)\",\n")
        for head in heads {
            // The next target's lists do not count.
            let rest = text[head.upperBound...]
            let end = rest.firstRange(of: "\n        ),")?.lowerBound ?? rest.endIndex
            guard let start = rest[..<end].firstRange(of: " \(name): ["),
                let close = rest[start.upperBound...].firstIndex(of: "]")
            else { continue }
            return start.upperBound..<close
        }
        return nil
    }
}
