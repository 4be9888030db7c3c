import GRPCCore
import ServiceKitProtobuf

/// Reads a body in base64, of which each four characters, and their padding, may end a piece.
struct TextBody: RequestReader {
    private var inner: any RequestReader
    private var rest: [UInt8] = []

    init(_ inner: any RequestReader) {
        self.inner = inner
    }

    mutating func receive(_ bytes: [UInt8]) throws {
        rest += bytes
        let whole = rest.count / 4 * 4
        var start = 0
        // Padding ends a piece.
        while start < whole {
            let padding = rest[start..<whole].firstIndex(of: UInt8(ascii: "="))
            let end = padding.map { $0 / 4 * 4 + 4 } ?? whole
            guard let decoded = Base64.decode(String(decoding: rest[start..<end], as: UTF8.self)) else {
                throw RPCError(code: .invalidArgument, message: "the body is not base64")
            }
            try inner.receive(decoded)
            start = end
        }
        rest.removeFirst(whole)
    }

    mutating func finish() throws {
        guard rest.isEmpty else {
            throw RPCError(code: .invalidArgument, message: "the body ends in the middle of a group of base64")
        }
        try inner.finish()
    }

    mutating func next() -> [UInt8]? { inner.next() }
}
