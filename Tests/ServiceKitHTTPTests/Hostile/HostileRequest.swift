import Testing

/// A request of HTTP/1.1 as an attacker or a broken program sends it, and the answer that it gets.
struct HostileRequest: CustomStringConvertible, Sendable {
    /// What becomes of the connection.
    enum End: Sendable {
        case closed, kept
    }

    let description: String
    let bytes: [UInt8]
    /// The statuses of the answers; none for a connection that closes without one.
    let statuses: [Int]
    let end: End

    init(_ description: String, _ text: String, _ statuses: [Int], _ end: End) {
        (self.description, bytes, self.statuses, self.end) = (description, Array(text.utf8), statuses, end)
    }

    /// A request that is answered with an error. Nothing behind it is read.
    static func refused(_ description: String, _ text: String, _ status: Int = 400) -> Self {
        Self(description, text, [status], .closed)
    }

    /// Requests that are answered each.
    static func served(_ description: String, _ text: String, _ statuses: Int...) -> Self {
        Self(description, text, statuses, .kept)
    }

    /// A request that is answered. The connection then closes.
    static func last(_ description: String, _ text: String, _ status: Int) -> Self {
        Self(description, text, [status], .closed)
    }

    // MARK: - Parts

    static let live = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    /// The beginning of a call.
    static let post =
        "POST /user.v1.UserService/GetUser HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

    /// A GET with fields.
    static func get(_ fields: String, target: String = "/livez", version: String = "HTTP/1.1") -> String {
        "GET \(target) \(version)\r\nHost: x\r\n\(fields)\r\n"
    }

    /// A request for a host, with another behind it.
    private static func host(_ value: String) -> String { "GET /livez HTTP/1.1\r\nHost: \(value)\r\n\r\n" + live }

    /// A call with a header `Transfer-Encoding`, an empty body in chunks, and a request behind it.
    private static func coded(_ coding: String) -> String {
        post + "Transfer-Encoding: \(coding)\r\n\r\n0\r\n\r\n" + live
    }

    /// A call with a length, a body of two bytes, and a request behind it.
    private static func long(_ length: String) -> String { post + "Content-Length: \(length)\r\n\r\n{}" + live }

    /// A call with chunks, and a request behind it.
    private static func chunks(_ chunks: String) -> String {
        post + "Transfer-Encoding: chunked\r\n\r\n" + chunks + live
    }

    private static func text(_ count: Int) -> String { String(repeating: "a", count: count) }

    private static func fields(_ count: Int, _ value: String = "b") -> String {
        (0..<count).map { "A\($0): \(value)\r\n" }.joined()
    }

    // MARK: - The length of a body

    /// What two programs may read as different requests.
    static let smuggling: [Self] = [
        .refused("both lengths", post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + live),
        .refused(
            "both lengths, the other way", post + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}" + live),
        .refused("two lengths", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + live),
        .refused("two equal lengths", post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + live),
        .refused("two equal lengths in a list", long("2, 2")),
        .refused("an empty length", long("")),
        .refused("a negative length", long("-1")),
        .refused("a length with a sign", long("+2")),
        .refused("a length in hex", long("0x2")),
        .refused("a length with a fraction", long("2.0")),
        .refused("a length with an exponent", long("2e0")),
        .refused("a length beyond 64 bits", long("99999999999999999999")),
        .refused("a length of spaces", long("1 1")),
        .served("a length with zeros", long("0002"), 404, 200),
        .refused("an unknown transfer encoding", coded("gzip")),
        .refused("a transfer encoding that is none", coded("identity")),
        .refused("an empty transfer encoding", coded(""), 501),
        .refused(
            "chunked in two lines", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        .refused("chunked twice in a line", coded("chunked, chunked")),
        .refused("chunked not last", coded("chunked, gzip")),
        .refused("chunked behind another", coded("gzip, chunked"), 501),
        .refused("chunked behind a comma", coded(", chunked"), 501),
        .refused("chunked before a comma", coded("chunked,")),
        .refused("chunked with a parameter", coded("chunked;a=b")),
        .refused("chunked in quotes", coded("\"chunked\"")),
        .refused("chunked with a letter before", coded("xchunked")),
        .refused("chunked with a vertical tab", coded("\u{b}chunked")),
        .refused("chunked with a null", coded("chunked\0")),
        .refused("chunked with a tab behind", coded("chunked\t")),
        .refused("chunked on a line of its own", post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + live),
        .refused("chunked with a space before the colon", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + live),
        .refused("chunked over HTTP/1.0", coded("chunked").replacing("1.1", with: "1.0", maxReplacements: 1), 501),
        .served("chunked in capitals", coded("CHUNKED"), 404, 200),
        .served("chunked behind a tab", coded("\tchunked"), 404, 200),
        .served("chunked of a GET", get("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n" + live, 200, 200),
        .served("another name", post + "Transfer_Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}" + live, 404, 200),
    ]

    static let chunks: [Self] = [
        .refused("a size that is no number", chunks("g\r\n")),
        .refused("a negative size", chunks("-1\r\n")),
        .refused("a size with a sign", chunks("+2\r\n{}\r\n0\r\n\r\n")),
        .refused("a size with a prefix", chunks("0x2\r\n{}\r\n0\r\n\r\n")),
        .refused("a size behind a space", chunks(" 2\r\n{}\r\n0\r\n\r\n")),
        .refused("a size before a space", chunks("2 \r\n{}\r\n0\r\n\r\n")),
        .refused("a size beyond 64 bits", chunks("10000000000000002\r\n{}\r\n0\r\n\r\n")),
        .refused("no size", chunks("\r\n")),
        .refused("a size that ends with LF", chunks("2\n{}\r\n0\r\n\r\n")),
        .refused("data that is too long", chunks("2\r\n{}x\r\n")),
        .refused("data that ends with LF", chunks("2\r\n{}\n0\r\n\r\n")),
        .refused("an extension with LF", chunks("2;a\nb\r\n{}\r\n0\r\n\r\n")),
        .refused("an extension with CR", chunks("2;a\rb\r\n{}\r\n0\r\n\r\n")),
        .refused("an end with LF", chunks("2\r\n{}\r\n0\r\n\n")),
        .refused("a trailer without a colon", chunks("2\r\n{}\r\n0\r\nnothing\r\n\r\n")),
        .refused(
            "trailers with lengths", chunks("2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n")),
        .refused("a giant trailer", chunks("2\r\n{}\r\n0\r\nA: \(text(100_000))\r\n\r\n")),
        .refused("many trailers", chunks("2\r\n{}\r\n0\r\n\(fields(10_000))\r\n")),
        .served(
            "trailers that would be headers", chunks("2\r\n{}\r\n0\r\nAuthorization: x\r\nHost: y\r\n\r\n"), 404, 200),
        .served("a size with zeros", chunks("\(String(repeating: "0", count: 1000))2\r\n{}\r\n0\r\n\r\n"), 404, 200),
        .served("an extension", chunks("1;a=b\r\n{\r\n1;d=\"e\"\r\n}\r\n0;c\r\n\r\n"), 404, 200),
        .served(
            "extensions of small chunks",
            chunks(String(repeating: "1;abcdefghij\r\n \r\n", count: 2000) + "2\r\n{}\r\n0\r\n\r\n"), 404, 200),
        .served(
            "long extensions of long chunks",
            chunks(
                String(repeating: "1000;\(text(1000))\r\n\(String(repeating: " ", count: 0x1000))\r\n", count: 50)
                    + "2\r\n{}\r\n0\r\n\r\n"), 404, 200),
        .refused(
            "long extensions",
            chunks(String(repeating: "1;\(text(1000))\r\n \r\n", count: 200) + "2\r\n{}\r\n0\r\n\r\n")),
        .refused("a giant extension", chunks("2;\(text(1_000_000))\r\n{}\r\n0\r\n\r\n")),
        .refused("an extension without an end", chunks("2;\(text(1_000_000))")),
        .refused("a giant extension of the end", chunks("2\r\n{}\r\n0;\(text(1_000_000))\r\n\r\n")),
        .refused("a size with a million zeros", chunks(String(repeating: "0", count: 1_000_000) + "2\r\n{}\r\n")),
        .served(
            "small chunks", chunks(String(repeating: "1\r\n \r\n", count: 20_000) + "2\r\n{}\r\n0\r\n\r\n"), 404, 200),
    ]

    // MARK: - Heads

    static let fields: [Self] = [
        .refused("a space before the colon", get("A : b\r\n") + live),
        .refused("a tab before the colon", get("A\t: b\r\n") + live),
        .refused("a line that goes on", get("A: b\r\n c\r\n") + live),
        .refused("a line that goes on behind a tab", get("\tA: b\r\n") + live),
        .refused("a null in a value", get("A: b\0c\r\n") + live),
        .refused("a null in a name", get("A\0: b\r\n") + live),
        .refused("a bell in a value", get("A: b\u{7}c\r\n") + live),
        .refused("a DEL in a value", get("A: b\u{7f}c\r\n") + live),
        .refused("a bare CR in a value", get("A: b\rc\r\n") + live),
        .refused("a bare CR in a name", get("A\rB: b\r\n") + live),
        .refused("two CR at the end of a line", get("A: b\r\r\n") + live),
        .refused("a bare LF behind a field", get("A: b\nC: d\r\n") + live),
        .refused("lines that end with LF", "GET /livez HTTP/1.1\nHost: x\n\n" + live),
        .refused("lines that end with CR", "GET /livez HTTP/1.1\rHost: x\r\r" + live),
        .refused("a head that ends with LF", "GET /livez HTTP/1.1\r\nHost: x\r\n\n" + live),
        .refused("a line without a colon", get("nothing\r\n") + live),
        .refused("an empty name", get(": b\r\n") + live),
        .refused("a name of HTTP/2", get(":path: /readyz\r\n") + live),
        .refused("a name with parentheses", get("a(b): c\r\n") + live),
        .refused("a name with a tab", get("A\tB: c\r\n") + live),
        .refused("a name that is not ASCII", get("ä: b\r\n") + live),
        .refused("a giant value", get("A: \(text(20_000))\r\n"), 431),
        .refused("large values", get(fields(100, text(200))), 431),
        .refused("many fields", get(fields(200)), 431),
        .served(
            "a timeout that is none", post + "Content-Length: 2\r\nX-Request-Timeout: soon\r\n\r\n{}" + live, 400, 200),
        .served("a field of spaces", get("A:   \r\n") + live, 200, 200),
        .served("a value that is not ASCII", get("A: ä\r\n") + live, 200, 200),
    ]

    static let hosts: [Self] = [
        .refused("no host", "GET /livez HTTP/1.1\r\n\r\n" + live),
        .refused("two hosts", "GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + live),
        .refused("two equal hosts", "GET /livez HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n" + live),
        .refused("two hosts over HTTP/1.0", "GET /livez HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n" + live),
        .refused("a host with a path", host("x/y")),
        .refused("a host with a space", host("x y")),
        .refused("a host with a user", host("me@x")),
        .refused("a list of hosts", host("x, y")),
        .refused("a host with a port that is none", host("x:http")),
        .refused("a host with two ports", host("x:1:2")),
        .refused("an address without its end", host("[::1")),
        .refused("an address with text behind", host("[::1]x")),
        .refused("a URL without a host", get("", target: "http:///livez") + live),
        .refused("a URL with a user", get("", target: "http://me:secret@x/livez") + live),
        .served("an empty host", host(""), 200, 200),
        .served("a host with a port", host("a-b.example:8080"), 200, 200),
        .served("an address with a port", host("[::1]:80"), 200, 200),
        .served("a URL with another host", get("", target: "http://other/livez") + live, 200, 200),
        .last("HTTP/1.0 without a host", "GET /livez HTTP/1.0\r\n\r\n" + live, 200),
    ]

    static let firstLines: [Self] = [
        .refused("a method in lower case", "get /livez HTTP/1.1\r\nHost: x\r\n\r\n" + live),
        .refused("an unknown method", "FROB /livez HTTP/1.1\r\nHost: x\r\n\r\n" + live),
        .refused("a giant method", text(100_000) + " /livez HTTP/1.1\r\nHost: x\r\n\r\n"),
        .refused("no method", " /livez HTTP/1.1\r\nHost: x\r\n\r\n" + live),
        .refused("a tunnel", "CONNECT other:80 HTTP/1.1\r\nHost: other:80\r\n\r\n" + live, 501),
        .refused("a tunnel to a path", "CONNECT /livez HTTP/1.1\r\nHost: x\r\n\r\n" + live, 501),
        .refused("no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n" + live),
        .refused("a target that is no path", get("", target: "livez") + live),
        .refused("a target that is a host", get("", target: "other:80") + live),
        .refused("a URL that is not of HTTP", get("", target: "ftp://other/livez") + live),
        .refused("every target for GET", get("", target: "*") + live),
        .refused("a target with a space", get("", target: "/li vez") + live),
        .refused("a target with a tab", get("", target: "/li\tvez") + live),
        .refused("a target with a null", get("", target: "/li\0vez") + live),
        .refused("a target with CR", get("", target: "/li\rvez") + live),
        .refused("a target with LF", get("", target: "/li\nvez") + live),
        .refused("a target that is not ASCII", get("", target: "/livez/ä") + live),
        .refused("a target with a fragment", get("", target: "/livez#a") + live),
        .refused("a giant target", get("", target: "/" + text(20_000)), 431),
        .refused("tabs", "GET\t/livez\tHTTP/1.1\r\nHost: x\r\n\r\n" + live),
        .refused("a space at the end", get("", version: "HTTP/1.1 ") + live),
        .refused("no version", "GET /livez\r\n\r\n" + live),
        .refused("version 0.9", get("", version: "HTTP/0.9") + live),
        .refused("version 1.2", get("", version: "HTTP/1.2") + live),
        .refused("version 1.10", get("", version: "HTTP/1.10") + live),
        .refused("version 2.0 in text", get("", version: "HTTP/2.0") + live),
        .refused("version 3", get("", version: "HTTP/3") + live),
        .refused("version 3.0", get("", version: "HTTP/3.0") + live),
        .refused("half a version", get("", version: "HTTP/1.") + live),
        .refused("a version in lower case", get("", version: "http/1.1") + live),
        .refused("a version that is none", get("", version: "HTTQ/1.1") + live),
        .refused("garbage", "\u{1}\u{2}\u{3}\u{4}\r\n\r\n" + live),
        .refused("a response", "HTTP/1.1 200 OK\r\n\r\n" + live),
        .refused("a preface that goes wrong", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + live),
        .refused("the end of a preface", "SM\r\n\r\n" + live),
        .refused("a preface with a path", "PRI /livez HTTP/1.1\r\nHost: x\r\n\r\n" + live),
        .served("every target", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + live, 204, 200),
        .served("a URL with a query and no path", get("", target: "http://x?a=/livez") + live, 404, 200),
        .served("a path with two slashes", get("", target: "//livez") + live, 404, 200),
        .served("a path that climbs", get("", target: "/../../etc/passwd") + live, 404, 200),
        .served("a path with half an escape", get("", target: "/livez/%4") + live, 404, 200),
        .served("a method of nobody", "PROPFIND /livez HTTP/1.1\r\nHost: x\r\n\r\n" + live, 405, 200),
        .served("a trace", "TRACE /livez HTTP/1.1\r\nHost: x\r\n\r\n" + live, 405, 200),
        .served(
            "another method than POST", "DELETE /user.v1.UserService/GetUser HTTP/1.1\r\nHost: x\r\n\r\n" + live, 405,
            200),
        .served("empty lines before a request", String(repeating: "\r\n", count: 1000) + live, 200),
    ]

    // MARK: - Connections

    static let connections: [Self] = [
        .served("two requests at once", live + live, 200, 200),
        .served("a body of a GET", get("Content-Length: 3\r\n") + "abc" + live, 200, 200),
        .last("a request behind the last", get("Connection: close\r\n") + live, 200),
        .last("garbage behind the last", get("Connection: close\r\n") + "\0\0\0\0", 200),
        .last("a request behind two wishes", get("Connection: close, keep-alive\r\n") + live, 200),
        .init("garbage behind a request", live + "\0\0\0\0", [200, 400], .closed),
        .refused("an expectation that is unknown", post + "Content-Length: 2\r\nExpect: miracles\r\n\r\n{}", 417),
        .refused("an expectation beside another", post + "Content-Length: 2\r\nExpect: 100-continue, a\r\n\r\n{}", 417),
        .served(
            "an expectation in capitals", post + "Content-Length: 2\r\nExpect: 100-CONTINUE\r\n\r\n{}" + live, 404, 200),
        .served(
            "an expectation twice", post + "Content-Length: 2\r\nExpect: 100-continue, 100-continue\r\n\r\n{}", 404),
        .last("an expectation over HTTP/1.0", "GET /livez HTTP/1.0\r\nExpect: miracles\r\n\r\n", 200),
        .last("an upgrade to HTTP/2", get("Upgrade: h2c\r\nConnection: Upgrade\r\n") + live, 200),
        .last(
            "an upgrade to HTTP/2 with its preface",
            get("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n")
                + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 200),
        .last("an unknown upgrade", get("Upgrade: chat/2\r\nConnection: Upgrade\r\n") + live, 200),
        .last("an upgrade to TLS", get("Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n") + live, 200),
        .last(
            "a WebSocket where there is none",
            get("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n") + live, 200),
        .served("an upgrade that the connection does not name", get("Upgrade: websocket\r\n") + live, 200, 200),
    ]

    // MARK: - All

    /// Requests of one subject.
    struct Table: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let requests: [HostileRequest]
    }

    static let tables = [
        Table(testDescription: "smuggling", requests: smuggling), Table(testDescription: "chunks", requests: chunks),
        Table(testDescription: "fields", requests: fields), Table(testDescription: "hosts", requests: hosts),
        Table(testDescription: "first lines", requests: firstLines),
        Table(testDescription: "connections", requests: connections),
    ]
}
