/// The text of a .proto file, as far as it has to be known to add to it.
struct ProtoSource: Sendable {
    private let bytes: [UInt8]

    /// What the file declares.
    private(set) var package = ""
    private(set) var services: [Service] = []
    /// Names of messages and enumerations at the top.
    private(set) var types: Set<String> = []

    /// A service.
    struct Service: Hashable, Sendable {
        let name: String
        fileprivate(set) var calls: [String] = []
        /// Where its closing brace is.
        fileprivate(set) var end = 0
    }

    init(_ text: String) {
        bytes = Array(text.utf8)
        read()
    }

    /// The text with a call added to a service, and its messages at the end where they are not there yet.
    ///
    /// - Parameters:
    ///   - call: Its name, which the service does not have.
    ///   - service: The service, one of ``services``.
    func adding(_ call: String, to service: Service) -> String {
        let (request, response) = (call + "Request", call + "Response")
        // Before the brace, and after what stands before it.
        var before = bytes[..<service.end]
        while let last = before.last, " \n\t".utf8.contains(last) {
            before.removeLast()
        }
        var text = String(decoding: before, as: UTF8.self)
        text += service.calls.isEmpty ? "\n" : "\n\n"
        text += "  rpc \(call)(\(request)) returns (\(response));\n"
        text += String(decoding: bytes[service.end...], as: UTF8.self)
        if !text.hasSuffix("\n") { text += "\n" }
        for message in [request, response] where !types.contains(message) {
            text += "\nmessage \(message) {}\n"
        }
        return text
    }

    // MARK: - Reading

    private struct Token {
        let text: String
        let offset: Int
    }

    private mutating func read() {
        var depth = 0
        var service: Service?
        let tokens = tokens()
        for (index, token) in tokens.enumerated() {
            let next = index + 1 < tokens.count ? tokens[index + 1].text : ""
            switch (token.text, depth) {
            case ("package", 0):
                package = tokens[(index + 1)...].prefix { $0.text != ";" }.map(\.text).joined()
            case ("service", 0): service = Service(name: next)
            case ("message", 0), ("enum", 0): types.insert(next)
            case ("rpc", 1): service?.calls.append(next)
            case ("{", _): depth += 1
            case ("}", _):
                depth -= 1
                if depth == 0, var done = service {
                    done.end = token.offset
                    services.append(done)
                    service = nil
                }
            default: break
            }
        }
    }

    /// Words and signs, without comments and strings.
    private func tokens() -> [Token] {
        var tokens: [Token] = []
        var index = 0
        func starts(_ text: String) -> Bool { bytes[index...].starts(with: text.utf8) }
        while index < bytes.count {
            if starts("//") {
                while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
            } else if starts("/*") {
                index += 2
                while index < bytes.count, !starts("*/") { index += 1 }
                index = min(index + 2, bytes.count)
            } else if starts("\"") || starts("'") {
                let quote = bytes[index]
                index += 1
                while index < bytes.count, bytes[index] != quote { index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
                index += 1
            } else if Self.isWord(bytes[index]) {
                let start = index
                while index < bytes.count, Self.isWord(bytes[index]) { index += 1 }
                tokens.append(Token(text: String(decoding: bytes[start..<index], as: UTF8.self), offset: start))
            } else {
                if bytes[index] > UInt8(ascii: " ") {
                    tokens.append(Token(text: String(decoding: [bytes[index]], as: UTF8.self), offset: index))
                }
                index += 1
            }
        }
        return tokens
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        let character = Character(UnicodeScalar(byte))
        return character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }
}
