/// Reads a request whose body is no message: each piece of the body is passed on as it comes.
struct RawBody: RequestReader {
    private var pieces: [[UInt8]] = []

    mutating func receive(_ bytes: [UInt8]) {
        if !bytes.isEmpty { pieces.append(bytes) }
    }

    mutating func finish() {}

    mutating func next() -> [UInt8]? {
        // There is one piece at most: each is taken before the next comes.
        pieces.popLast()
    }
}
