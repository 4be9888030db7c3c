/// A size in bytes, written `16KiB`, `4MB` or `512`.
///
/// Units are `B`, `KB`, `MB`, `GB`, `TB` (powers of 1000) and `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024). A number
/// without a unit counts bytes.
public struct ByteCount: Hashable, Sendable {
    /// The size in bytes; never negative.
    public let bytes: Int

    /// Creates a size. A negative size is a programming error.
    public init(_ bytes: Int) {
        precondition(bytes >= 0, "a size of \(bytes) bytes: it must not be negative")
        self.bytes = bytes
    }

    /// A size in KiB (1024 bytes).
    public static func kibibytes(_ count: Int) -> ByteCount { ByteCount(count * 1024) }

    /// A size in MiB (1024 KiB).
    public static func mebibytes(_ count: Int) -> ByteCount { ByteCount(count * 1024 * 1024) }

    /// A size in GiB (1024 MiB).
    public static func gibibytes(_ count: Int) -> ByteCount { ByteCount(count * 1024 * 1024 * 1024) }

    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("TB", 1_000_000_000_000),
        ("GiB", 1 << 30), ("GB", 1_000_000_000),
        ("MiB", 1 << 20), ("MB", 1_000_000),
        ("KiB", 1 << 10), ("KB", 1000),
        ("B", 1),
    ]
}

extension ByteCount: ExpressibleByIntegerLiteral {
    /// Creates a size from a number of bytes.
    public init(integerLiteral value: Int) {
        self.init(value)
    }
}

extension ByteCount: Comparable {
    /// Whether the left size is smaller.
    public static func < (left: ByteCount, right: ByteCount) -> Bool {
        left.bytes < right.bytes
    }
}

extension ByteCount: CustomStringConvertible {
    /// The size in the largest unit that needs no fraction: `16KiB`.
    public var description: String {
        guard bytes > 0, let unit = Self.units.first(where: { bytes % $0.bytes == 0 && $0.bytes > 1 }) else {
            return String(bytes)
        }
        return "\(bytes / unit.bytes)\(unit.name)"
    }
}

extension ByteCount: ScalarConvertible {
    static var expectation: String { "a size such as 16KiB, 4MB or 512" }
    static var kind: ScalarKind { .size }

    init(reading scalar: ConfigurationNode.Scalar) throws(ScalarMismatch) {
        var rest = scalar.text[...]
        let number = try DecimalText(consuming: &rest)
        guard let unit = Self.units.first(where: { rest.isEmpty ? $0.name == "B" : $0.name == rest }) else {
            if rest.first == " " { throw ScalarMismatch(advice: "leave the space out") }
            let names = Self.units.reversed().map(\.name).joined(separator: ", ")
            throw ScalarMismatch(advice: "units are \(names)")
        }
        guard let bytes = number.multiplied(by: Int128(unit.bytes)).flatMap(Int.init(exactly:)) else {
            throw ScalarMismatch(expected: "a whole number of bytes, at most \(Int.max)")
        }
        self.init(bytes)
    }

    var scalar: ConfigurationNode.Scalar { ConfigurationNode.Scalar(text: description, form: .plain) }
}

extension ByteCount: Codable {
    /// Reads the size from text such as `16KiB`, or from a number of bytes.
    ///
    /// - Throws: `DecodingError` for other text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let count = try? container.decode(Int.self)
        let text = try count.map(String.init) ?? container.decode(String.self)
        do throws(ScalarMismatch) {
            try self.init(reading: ConfigurationNode.Scalar(text: text, form: .plain))
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected \(Self.expectation)")
        }
    }

    /// Writes the size as text such as `16KiB`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
