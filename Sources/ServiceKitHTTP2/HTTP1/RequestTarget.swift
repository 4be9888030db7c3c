import NIOHTTP1

/// The target of a request in one of the forms that a server takes: a path, a URL, or `*` (RFC 9112, section 3.2).
struct RequestTarget {
    private static let schemes = ["http://", "https://"]

    /// The path with the query.
    let path: String
    /// The host that the request is for, with its port. That of a URL takes the place of the header `Host`.
    let authority: String

    /// Reads a target.
    ///
    /// - Parameters:
    ///   - text: The target.
    ///   - method: The method of its request: only OPTIONS may be for `*`.
    ///   - host: The value of the header `Host`.
    /// - Returns: `nil` if the target has no such form.
    init?(_ text: String, _ method: HTTPMethod, host: String) {
        // A fragment is for the client alone.
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "#") }) else { return nil }
        if text.utf8.first == UInt8(ascii: "/") || (text == "*" && method == .OPTIONS) {
            (path, authority) = (text, host)
            return
        }
        guard let scheme = Self.schemes.first(where: text.lowercased().hasPrefix) else { return nil }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        authority = String(text[rest.startIndex..<end])
        let tail = text[end...]
        path = tail.utf8.first == UInt8(ascii: "/") ? String(tail) : "/" + tail
        guard !authority.isEmpty, HostName.isValid(authority) else { return nil }
    }
}

/// The name of a host with its port, as the header `Host` has it (RFC 9110, section 7.2; RFC 3986, section 3.2).
package enum HostName {
    /// Whether a value has this form. The empty one has it: it stands for a URL without a host.
    package static func isValid(_ value: String) -> Bool { value.withBytes { isValid($0[...]) } }

    private static func isValid(_ value: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        var rest = value
        if rest.first == UInt8(ascii: "[") {
            let address = rest.dropFirst().prefix { isPart($0) || $0 == UInt8(ascii: ":") }
            rest = rest[address.endIndex...]
            guard !address.isEmpty, rest.popFirst() == UInt8(ascii: "]") else { return false }
        } else {
            rest = rest.drop { isPart($0) || $0 == UInt8(ascii: "%") }
        }
        guard let colon = rest.first else { return true }
        return colon == UInt8(ascii: ":")
            && rest.dropFirst().allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Whether a character stands for itself in a name.
    private static func isPart(_ byte: UInt8) -> Bool { parts[Int(byte)] }

    private static let parts = (UInt8.min...UInt8.max).map { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~!$&'()*+,;=".utf8.contains(byte)
        }
    }
}
