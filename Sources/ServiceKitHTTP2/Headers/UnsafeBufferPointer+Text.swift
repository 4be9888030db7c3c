private import Glibc

/// Text in header fields, without strings.
extension UnsafeBufferPointer<UInt8> {
    package func equals(_ string: StaticString) -> Bool {
        guard count == string.utf8CodeUnitCount else { return false }
        guard let baseAddress else { return true }
        return memcmp(baseAddress, string.utf8Start, count) == 0
    }

    /// Compares with a string in lower case.
    @inlinable package func equalsIgnoringCase(_ string: StaticString) -> Bool {
        guard count == string.utf8CodeUnitCount else { return false }
        for index in 0..<count {
            let byte = self[index]
            let isUpperCase = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            guard (isUpperCase ? byte | 0x20 : byte) == string.utf8Start[index] else { return false }
        }
        return true
    }

    /// The number that the bytes are in decimal, up to nine digits; `nil` if they are none.
    @inlinable package var decimal: Int? {
        guard (1...9).contains(count) else { return nil }
        var number = 0
        for byte in self {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }

    package func hasSuffix(_ string: StaticString) -> Bool {
        count >= string.utf8CodeUnitCount
            && UnsafeBufferPointer(rebasing: suffix(string.utf8CodeUnitCount)).equals(string)
    }

    /// The bytes without spaces and tabs at either end; peers may send them, and they are no part of the value.
    package var trimmed: Self {
        guard let first, let last, Self.isBlank(first) || Self.isBlank(last) else {
            return self
        }
        var bytes = self[...]
        bytes = bytes.drop(while: Self.isBlank)
        while let last = bytes.last, Self.isBlank(last) { bytes.removeLast() }
        return Self(rebasing: bytes)
    }

    package static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    /// The number that the bytes are in decimal; `nil` if they are none, or too large a one.
    package var digits: Int? {
        guard count <= 18 else { return nil }
        var number = 0
        for byte in self {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return isEmpty ? nil : number
    }
}

extension String {
    /// Calls `body` with the string in UTF-8.
    @inlinable package func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        var copy = self
        return copy.withUTF8(body)
    }
}
