import Foundation
import ServiceKitProtobuf
import ServiceKitTestSupport
import Testing

/// A request that Envoy and the kit are asked, with their answers: a line in the directory `Cases`.
///
/// | member | meaning |
/// |---|---|
/// | `call` | the method and the target: `GET /v1/all` |
/// | `json`, `body` | the body, as a document or as text |
/// | `type` | the body's media type; `application/json` by default |
/// | `accept` | the header `Accept` |
/// | `status` | the status of both answers, which are the same |
/// | `difference` | why the answers differ: a row of the table in the documentation |
/// | `envoy`, `kit` | then the answers: `status`, `json` or `text`, and `type` unless it is that of the body's form; members of a message that have the values of an empty one are left out |
struct TranscodingCase: CustomStringConvertible {
    let description: String
    let request: [UInt8]
    let expectation: Expectation

    enum Expectation {
        case same(status: Int)
        case different(String, envoy: Answer, kit: Answer)
    }

    /// The request of an empty message.
    static let empty = TranscodingCase("GET /v1/all", status: 200)

    private init(_ call: String, status: Int) {
        description = call
        request = Array("\(call) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        expectation = .same(status: status)
    }

    /// The cases of a file, one on each line that is not empty.
    static func read(_ file: URL) throws -> [TranscodingCase] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
            do {
                return try TranscodingCase(JSONParser.parse(String(line)))
            } catch {
                throw DescriptorError("\(file.lastPathComponent): \(line): \(error)")
            }
        }
    }

    private init(_ line: JSONValue) throws {
        let call = try #require(line["call"]?.string)
        var request = "\(call) HTTP/1.1\r\nHost: localhost\r\n"
        let body = line["json"]?.text ?? line["body"]?.string
        if let body {
            request += "Content-Type: \(line["type"]?.string ?? "application/json")\r\n"
            request += "Content-Length: \(body.utf8.count)\r\n"
        }
        if let accept = line["accept"]?.string { request += "Accept: \(accept)\r\n" }
        self.request = Array("\(request)\r\n\(body ?? "")".utf8)
        description = call + (body.map { " \($0)" } ?? "")
        if let difference = line["difference"]?.string {
            expectation = .different(
                difference, envoy: try Answer(#require(line["envoy"])), kit: try Answer(#require(line["kit"])))
        } else {
            expectation = .same(status: try #require(line["status"]?.integer))
        }
    }

    /// Sends the request.
    func answer(of port: Int) async throws -> Answer {
        let client = try RawClient(port: port)
        await client.send(request)
        return Answer(try await client.response())
    }
}

/// A response, as far as it is compared.
struct Answer: Hashable, CustomStringConvertible {
    var status: Int
    var type: String
    var body: Body

    enum Body: Hashable {
        case json(JSONValue)
        case text(String)
    }

    init(_ response: RawClient.Response) {
        status = response.status
        type = response.fields["content-type"] ?? ""
        let document = type == "application/json" ? try? JSONParser.parse(response.text).comparable : nil
        body = document.map(Body.json) ?? .text(response.text)
    }

    init(_ value: JSONValue) throws {
        status = try #require(value["status"]?.integer)
        if let json = value["json"] {
            (type, body) = ("application/json", .json(json.comparable))
        } else {
            (type, body) = ("text/plain", .text(try #require(value["text"]?.string)))
        }
        type = value["type"]?.string ?? type
    }

    /// The answer without the members that an empty message has too, in the body or in the elements of its list.
    func without(_ empty: Answer) -> Answer {
        guard case .json(let value) = body, case .json(.object(let defaults)) = empty.body else { return self }
        func shortened(_ value: JSONValue) -> JSONValue {
            guard case .object(let members) = value else { return value }
            return .object(members.filter { !defaults.contains($0) })
        }
        var answer = self
        if case .array(let elements) = value {
            answer.body = .json(.array(elements.map(shortened)))
        } else {
            answer.body = .json(shortened(value))
        }
        return answer
    }

    /// As it is written in a case.
    var description: String {
        var members: [JSONValue.Member] = [.init("status", .number("\(status)"))]
        switch body {
        case .json(let value):
            if type != "application/json" { members.append(.init("type", .string(type))) }
            members.append(.init("json", value))
        case .text(let text):
            if type != "text/plain" { members.append(.init("type", .string(type))) }
            members.append(.init("text", .string(text)))
        }
        return JSONValue.object(members).text
    }
}

extension JSONValue {
    fileprivate subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    fileprivate var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    fileprivate var integer: Int? {
        if case .number(let text) = self { Int(text) } else { nil }
    }

    /// The value with its members sorted by name, and each number in one form.
    fileprivate var comparable: JSONValue {
        switch self {
        case .number(let text): .number(Double(text).map { "\($0)" } ?? text)
        case .array(let elements): .array(elements.map(\.comparable))
        case .object(let members):
            .object(members.map { .init($0.name, $0.value.comparable) }.sorted { $0.name < $1.name })
        default: self
        }
    }
}
