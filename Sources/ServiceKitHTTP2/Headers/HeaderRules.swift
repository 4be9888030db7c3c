import CServiceKitNghttp2

/// The rules of HTTP/2 for a header block (RFC 9113, section 8), checked as its fields come in.
///
/// nghttp2 could check it, too. It would reset the call and not tell the application which field was wrong, and it
/// refuses fields that peers of gRPC send: white space around a value, the path of a Unix domain socket as `:authority`.
struct HeaderRules {
    /// The kinds of header block.
    enum Kind {
        case request
        /// The head of a response, also of an informational one.
        case response
        /// A block that follows the messages.
        case trailers
    }

    /// Fields that begin with a colon.
    private struct PseudoFields: OptionSet {
        let rawValue: UInt8

        static let method = Self(rawValue: 1)
        static let scheme = Self(rawValue: 2)
        static let path = Self(rawValue: 4)
        static let authority = Self(rawValue: 8)
        static let status = Self(rawValue: 16)

        init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// `nil` if there is no such field.
        init?(_ name: UnsafeBufferPointer<UInt8>) {
            if name.equals(":method") {
                self = .method
            } else if name.equals(":scheme") {
                self = .scheme
            } else if name.equals(":path") {
                self = .path
            } else if name.equals(":authority") {
                self = .authority
            } else if name.equals(":status") {
                self = .status
            } else {
                return nil
            }
        }

        /// Their names, in the order of their bits.
        static let names: KeyValuePairs<Self, String> = [
            .method: ":method", .scheme: ":scheme", .path: ":path", .authority: ":authority", .status: ":status",
        ]

        /// The name of the first.
        var name: String { Self.names.first { contains($0.key) }?.value ?? "" }
    }

    /// The value of `content-length`, if there is one.
    private(set) var contentLength: Int?
    /// The value of `:status`, if there is one.
    private(set) var status: Int?
    private var pseudoFields: PseudoFields = []
    private var hasOtherFields = false

    /// Whether it is the head of an informational response, which precedes the response proper.
    var isInformational: Bool { status.map { (100..<200).contains($0) } ?? false }

    /// Takes the next field, without the white space around its value.
    ///
    /// - Returns: The fault of the field; `nil` if it has none.
    mutating func check(name: UnsafeBufferPointer<UInt8>, value: UnsafeBufferPointer<UInt8>) -> String? {
        guard nghttp2_check_header_name(name.baseAddress, name.count) != 0 else { return Self.fault(ofName: name) }
        guard nghttp2_check_header_value(value.baseAddress, value.count) != 0 else {
            return "the value of header \(Self.quoted(name)) has a control character"
        }
        guard name.first != UInt8(ascii: ":") else { return checkPseudoField(name, value) }
        hasOtherFields = true
        // By length, so that most names are told apart without being read.
        switch name.count {
        case 2 where name.equals("te") && !value.equalsIgnoringCase("trailers"):
            return "header \"te\" is \(Self.quoted(value)), and HTTP/2 allows \"trailers\" only"
        case 7 where name.equals("upgrade"), 10 where name.equals("connection") || name.equals("keep-alive"),
            16 where name.equals("proxy-connection"), 17 where name.equals("transfer-encoding"):
            return "header \(Self.quoted(name)) belongs to HTTP/1"
        case 14 where name.equals("content-length"):
            guard let length = value.digits else {
                return "header \"content-length\" is \(Self.quoted(value)), which is no number of bytes"
            }
            guard contentLength == nil || contentLength == length else {
                return "header \"content-length\" is there twice"
            }
            contentLength = length
            return nil
        default:
            return nil
        }
    }

    private mutating func checkPseudoField(
        _ name: UnsafeBufferPointer<UInt8>,
        _ value: UnsafeBufferPointer<UInt8>
    ) -> String? {
        guard let field = PseudoFields(name) else {
            return "header \(Self.quoted(name)) is not a pseudo-header of HTTP/2"
        }
        guard !hasOtherFields else { return "header \"\(field.name)\" comes after others that it has to precede" }
        guard pseudoFields.insert(field).inserted else { return "header \"\(field.name)\" is there twice" }
        switch field {
        case .path where value.isEmpty:
            return "header \":path\" is empty"
        case .status:
            guard value.count == 3, let status = value.decimal, status >= 100 else {
                return "header \":status\" is \(Self.quoted(value)), which is no status of HTTP"
            }
            self.status = status
            return nil
        default:
            return nil
        }
    }

    /// Looks at the block as a whole.
    ///
    /// - Returns: The fault of the block; `nil` if it has none.
    func fault(of kind: Kind) -> String? {
        let allowed: PseudoFields
        let required: PseudoFields
        switch kind {
        case .request:
            required = [.method, .scheme, .path]
            allowed = required.union(.authority)
        case .response:
            required = .status
            allowed = required
        case .trailers:
            required = []
            allowed = []
        }
        guard pseudoFields.isSubset(of: allowed) else {
            return "header \"\(pseudoFields.subtracting(allowed).name)\" does not belong there"
        }
        let missing = required.subtracting(pseudoFields)
        return missing.isEmpty ? nil : "header \"\(missing.name)\" is missing"
    }

    private static func fault(ofName name: UnsafeBufferPointer<UInt8>) -> String {
        guard !name.isEmpty else { return "a header has no name" }
        let isUpperCase: (UInt8) -> Bool = { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        let reason =
            name.contains(where: isUpperCase) ? "names are in lower case" : "it has a character that names cannot have"
        return "the name of header \(Self.quoted(name)) is not one of HTTP/2: \(reason)"
    }

    /// How much of a name or a value is quoted.
    private static let maxQuotedBytes = 64

    /// The beginning of a text of the peer, as it may be logged.
    private static func quoted(_ text: UnsafeBufferPointer<UInt8>) -> String {
        let quoted = String(decoding: text.prefix(Self.maxQuotedBytes), as: UTF8.self).debugDescription
        return text.count > Self.maxQuotedBytes ? "\(quoted)…" : quoted
    }
}
