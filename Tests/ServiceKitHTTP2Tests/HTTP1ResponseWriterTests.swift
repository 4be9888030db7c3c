import NIOCore
import Testing

@testable import ServiceKitHTTP2

/// The form of responses over HTTP/1.1.
@Suite struct HTTP1ResponseWriterTests {
    private struct Piece: ResponseBodySource {
        let text: String

        var availableBytes: Int { text.utf8.count }

        func read(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, end: StreamEnd?) {
            let count = min(buffer.count, availableBytes)
            buffer.copyBytes(from: text.utf8.prefix(count))
            return (count, nil)
        }
    }

    /// A response, with its body in pieces.
    private func response(
        _ status: Int = 200,
        _ fields: KeyValuePairs<String, String> = [:],
        _ context: HTTP1ResponseWriter.Context = .init(),
        _ pieces: String...,
        trailers: HeaderBlock? = nil
    ) -> (text: String, isClosing: Bool) {
        var block = HeaderBlock([":status": String(status)])
        block.append(HeaderBlock(fields))
        var writer = HTTP1ResponseWriter()
        var buffer = ByteBuffer()
        let isClosing = writer.write(head: block, context, to: &buffer)
        for piece in pieces {
            let count = piece.utf8.count
            #expect(writer.writePiece(of: Piece(text: piece), upTo: 2 * count, to: &buffer).count == count)
        }
        writer.writeEnd(trailers, to: &buffer)
        return (String(buffer: buffer), isClosing)
    }

    @Test func wholeBodyHasItsLength() {
        let found = response(200, ["a": "b"], .init(bodyBytes: 5), "hello")
        #expect(found.text == "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 5\r\n\r\nhello")
        #expect(!found.isClosing)
        // That of the response itself counts.
        let given = response(404, ["content-length": "2"], .init(bodyBytes: 5), "{}")
        #expect(given.text == "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}")
    }

    @Test func bodyWithoutALengthComesInChunks() {
        let found = response(200, [:], .init(), "hello", "", String(repeating: "x", count: 26))
        #expect(
            found.text == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1a\r\n"
                + String(repeating: "x", count: 26) + "\r\n0\r\n\r\n")
        let trailers = response(trailers: HeaderBlock(["grpc-status": "0"]))
        #expect(trailers.text.hasSuffix("\r\n\r\n0\r\ngrpc-status: 0\r\n\r\n"))
    }

    @Test(arguments: [204, 304]) func statusWithoutABodyHasNoLength(_ status: Int) {
        let found = response(status, ["content-length": "0", "etag": "1"], .init(bodyBytes: 0))
        #expect(found.text.hasSuffix("\r\netag: 1\r\n\r\n"))
        #expect(!found.text.contains("length"))
        #expect(!response(status).text.contains("chunked"))
    }

    @Test func headHasNoBody() {
        let whole = response(200, [:], .init(bodyBytes: 5, isHeadRequest: true), "hello")
        #expect(whole.text == "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
        // Not even the end of the chunks.
        let chunked = response(200, [:], .init(isHeadRequest: true), "hello")
        #expect(chunked.text == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    }

    @Test func olderClientsGetNoChunks() {
        let stream = response(200, [:], .init(isHTTP10: true), "he", "llo")
        #expect(stream.text == "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello")
        #expect(stream.isClosing)
        let whole = response(200, [:], .init(bodyBytes: 2, isHTTP10: true), "{}")
        #expect(whole.text == "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n{}")
        #expect(!whole.isClosing)
    }

    @Test func lastResponseSaysSo() {
        let found = response(200, [:], .init(bodyBytes: 0, isClosing: true))
        #expect(found.text == "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        #expect(found.isClosing)
    }

    @Test func valueCannotBeginAnotherLine() {
        let found = response(200, ["a": "b\r\nset-cookie: c\u{0}"], .init(bodyBytes: 0))
        #expect(found.text == "HTTP/1.1 200 OK\r\na: b  set-cookie: c \r\ncontent-length: 0\r\n\r\n")
    }

    @Test func protocolIsChanged() {
        var buffer = ByteBuffer()
        HTTP1ResponseWriter.write(
            switching: HeaderBlock([":status": "101", "a": "b"]), to: "websocket", to: &buffer)
        #expect(
            String(buffer: buffer)
                == "HTTP/1.1 101 Switching Protocols\r\na: b\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n")
    }
}
