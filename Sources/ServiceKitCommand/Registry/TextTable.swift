/// Text in columns. A column is as wide as its widest cell.
struct TextTable {
    let header: [String]
    private(set) var rows: [[String]] = []

    init(_ header: [String]) {
        self.header = header
    }

    /// Adds a row. Each cell takes one line: control characters in its text become `?`.
    mutating func add(_ row: [String]) {
        rows.append(row.map(Self.printable))
    }

    /// The lines, the header first.
    var lines: [String] {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            var line = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// A text of at most so many characters: a longer one is cut, and ends with `…`. A registry may contain texts of any
    /// length.
    static func cut(_ text: String, to width: Int = 60) -> String {
        // As a rule the bytes tell, which are counted at once. One character may have any number of scalars.
        guard text.utf8.count > width, text.unicodeScalars.count > width else { return text }
        return String(text.unicodeScalars.prefix(width - 1)) + "…"
    }

    /// A text without characters that a terminal would act on: a registry may contain any text.
    static func printable(_ text: String) -> String {
        if text.isEmpty { return "-" }
        let unprintable: [Unicode.GeneralCategory] = [.control, .format, .lineSeparator, .paragraphSeparator]
        return text.unicodeScalars.map { unprintable.contains($0.properties.generalCategory) ? "?" : "\($0)" }.joined()
    }
}
