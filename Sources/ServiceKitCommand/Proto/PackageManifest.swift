/// The text of a `Package.swift` in the format of `kit new`.
struct PackageManifest: Hashable, Sendable {
    private(set) var text: String

    /// The constants for the products that the code of a service or of errors imports.
    private static let products = ["grpc", "grpcProtobuf", "protobuf", "serviceKit", "serviceKitGRPC"]

    /// Adds a target for an API, and another target's dependency on it. Throws `CommandFailure` with the lines to add
    /// by hand when the manifest does not have the format of `kit new`.
    mutating func add(_ api: ProtoAPI, to target: String) throws {
        let targets = "    targets: [\n"
        guard text.ranges(of: targets).count == 1, list("dependencies", of: target) != nil,
            Self.products.allSatisfy(hasConstant), hasConstant("settings")
        else {
            throw CommandFailure(
                "Package.swift does not have the format of kit new; by hand, add a target \(api.target) with GRPCCore, "
                    + "GRPCProtobuf, SwiftProtobuf, ServiceKit and ServiceKitGRPC, and make \(target) depend on it; then: kit proto generate"
            )
        }
        let dependencies = Self.quoted(api.modules.values) + Self.products
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

    /// Adds the needs of an existing API target: the modules and products that it imports, and its files that are not
    /// code. Returns the lines to add by hand, if the manifest does not have the format of `kit new`.
    mutating func update(_ api: ProtoAPI) -> [String] {
        var left: [String] = []
        let products = api.importsKit ? Self.products.filter(hasConstant) : []
        let dependencies = Self.quoted(api.modules.values) + products
        for (name, values) in [("dependencies", dependencies), ("exclude", Self.quoted(api.resources))] {
            for value in values.reversed() {
                guard let list = list(name, of: api.target) else {
                    left.append("\(value) to \(name) of the target \(api.target)")
                    continue
                }
                let present = text[list]
                if Self.contains(value, in: present) { continue }
                let isEmpty = present.allSatisfy(\.isWhitespace)
                text.insert(contentsOf: isEmpty ? value : "\(value), ", at: list.lowerBound)
            }
        }
        return left
    }

    /// The quoted names among a target's dependencies: the package's own targets.
    func dependencies(of target: String) -> [String] {
        guard let list = list("dependencies", of: target) else { return [] }
        return text[list].split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
    }

    private func hasConstant(_ name: String) -> Bool {
        text.contains("let \(name) = ") || text.contains("let \(name): ")
    }

    /// Whether a list contains an element: `serviceKit` is not in `[serviceKitGRPC]`.
    private static func contains(_ element: String, in list: Substring) -> Bool {
        list.ranges(of: element).contains { list[$0.upperBound...].first?.isLetter != true }
    }

    private static func quoted(_ values: some Sequence<String>) -> [String] {
        Set(values).sorted().map { "\"\($0)\"" }
    }

    /// The text between the brackets of a target's list.
    private func list(_ name: String, of target: String) -> Range<String.Index>? {
        let heads = text.ranges(of: "name: \"\(target)\",\n")
        for head in heads {
            // Excludes the lists of the next target.
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
