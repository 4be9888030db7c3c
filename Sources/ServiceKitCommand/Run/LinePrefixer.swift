/// Splits the output of a process into lines and puts a name before each.
struct LinePrefixer {
    /// The longest line, in bytes. A longer line continues on the next.
    static let maximumLineBytes = 65_536

    private let prefix: String
    private var partial: [UInt8] = []

    init(prefix: String) {
        self.prefix = prefix
    }

    /// Takes the next bytes, and returns the lines that are complete now, each with its prefix and its end.
    mutating func add(_ bytes: some Sequence<UInt8>) -> String {
        var lines = ""
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines += takeLine()
            } else {
                partial.append(byte)
                if partial.count == Self.maximumLineBytes { lines += takeLine() }
            }
        }
        return lines
    }

    /// The rest of the last line, if it had no end.
    mutating func finish() -> String {
        partial.isEmpty ? "" : takeLine()
    }

    private mutating func takeLine() -> String {
        if partial.last == UInt8(ascii: "\r") { partial.removeLast() }
        defer { partial.removeAll(keepingCapacity: true) }
        return prefix + String(decoding: partial, as: UTF8.self) + "\n"
    }
}
