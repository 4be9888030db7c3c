/// The used part of `swift package describe`'s output.
struct PackageDescription: Decodable {
    struct Product: Decodable {
        let name: String
        let isExecutable: Bool

        private enum Key: String, CodingKey { case name, type }
        private enum Kind: String, CodingKey { case executable }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            name = try container.decode(String.self, forKey: .name)
            isExecutable = try container.nestedContainer(keyedBy: Kind.self, forKey: .type).contains(.executable)
        }
    }

    struct Target: Decodable {
        let path: String
        let type: String
    }

    let products: [Product]
    let targets: [Target]

    /// The product to run.
    ///
    /// - Parameters:
    ///   - name: The product's name, if the user has given one.
    ///   - directory: The package's directory, for the message.
    /// - Throws: ``CommandFailure`` when there is no such product, or more than one.
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
