/// The files to write, by their paths below a directory.
struct FileTree: Hashable, Sendable {
    struct File: Hashable, Sendable {
        let path: String
        let bytes: [UInt8]
    }

    /// The files in the order of their paths.
    let files: [File]

    init(_ files: [File]) {
        self.files = files.sorted { $0.path < $1.path }
    }

    /// The total size, in bytes.
    var size: Int { files.reduce(0) { $0 + $1.bytes.count } }

    /// The tree as text: a line for each directory and file, with sizes, below the name of the root.
    func listing(of root: String) -> [String] {
        var lines: [(name: String, size: String)] = [(root + "/", "")]
        var open: [Substring] = []
        for file in files {
            let parts = file.path.split(separator: "/")
            let directories = parts.dropLast()
            let shared = zip(open, directories).prefix { $0 == $1 }.count
            for (depth, directory) in directories.enumerated().dropFirst(shared) {
                lines.append((Self.indent(depth + 1) + directory + "/", ""))
            }
            open = Array(directories)
            lines.append((Self.indent(parts.count) + (parts.last ?? ""), "\(file.bytes.count)"))
        }
        lines.append(("\(files.count) files", "\(size)"))
        let nameWidth = lines.map(\.name.count).max() ?? 0
        let sizeWidth = lines.map(\.size.count).max() ?? 0
        return lines.map { name, size in
            if size.isEmpty { return name }
            let gap = nameWidth - name.count + sizeWidth - size.count + 2
            return name + String(repeating: " ", count: gap) + size
        }
    }

    private static func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }
}
