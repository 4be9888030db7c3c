/// The used part of `swift package describe`'s output.
struct PackageDescription: Decodable {
    struct Product: Decodable {
        let name: String
        /// The kind, as the only key: `{"executable": null}` or `{"library": ["automatic"]}`.
        private let type: [String: [String]?]

        var isExecutable: Bool { type.keys.contains("executable") }
    }

    struct Target: Decodable {
        let path: String
        let type: String
    }

    let products: [Product]
    let targets: [Target]

    /// The product to run: the only one, unless the user has given its name. The directory is for the message.
    func executable(named name: String?, in directory: String) throws(CommandFailure) -> String {
        let names = products.filter(\.isExecutable).map(\.name).sorted()
        let list = names.joined(separator: ", ")
        if let name {
            guard names.contains(name) else {
                throw CommandFailure(
                    names.isEmpty
                        ? "\(directory) has no executable product \"\(name)\", nor any other"
                        : "\(directory) has no executable product \"\(name)\"; there are: \(list)"
                )
            }
            return name
        }
        guard let first = names.first else {
            throw CommandFailure(
                "\(directory) has no executable product; add an .executableTarget to its Package.swift")
        }
        guard names.count == 1 else {
            throw CommandFailure("\(directory) has several executable products: \(list); choose one with --product")
        }
        return first
    }

    /// The files whose change makes a new build or a restart necessary.
    func sources(in directory: String) -> [String] {
        let targets = targets.filter { !["test", "system-target", "binary"].contains($0.type) }.map(\.path)
        return (["Package.swift", "Sources", "Templates", "config"] + targets).map { "\(directory)/\($0)" }
    }
}
