/// Cuts what a process writes into lines and puts a name before each.
struct LinePrefixer {
    /// The longest line that is kept together; a longer one goes on in the next.
    static let maximumLineBytes = 65_536

    private let prefix: String
    private var partial: [UInt8] = []

    init(prefix: String) {
        self.prefix = prefix
    }

    /// Takes the next bytes.
    ///
    /// - Returns: The lines that are complete now, each with its prefix and its end.
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

    /// What is left of a line that was never ended, as a line.
    mutating func finish() -> String {
        partial.isEmpty ? "" : takeLine()
    }

    private mutating func takeLine() -> String {
        if partial.last == UInt8(ascii: "\r") { partial.removeLast() }
        defer { partial.removeAll(keepingCapacity: true) }
        return prefix + String(decoding: partial, as: UTF8.self) + "\n"
    }
}
