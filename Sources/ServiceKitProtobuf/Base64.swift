internal import FoundationEssentials

/// Base64 (RFC 4648). Writes with padding. Reads the standard and the URL-safe alphabet, with or without padding.
package enum Base64 {
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        Data(bytes).base64EncodedString()
    }

    /// Decodes a text; `nil` when it is not base64.
    package static func decode(_ text: String) -> [UInt8]? {
        var characters = text.utf8.map { character in
            switch character {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: character
            }
        }
        for _ in 0..<2 where characters.last == UInt8(ascii: "=") { characters.removeLast() }
        // Foundation accepts padding without end.
        if characters.contains(UInt8(ascii: "=")) { return nil }
        while !characters.count.isMultiple(of: 4) { characters.append(UInt8(ascii: "=")) }
        return Data(base64Encoded: Data(characters)).map(Array.init)
    }
}
