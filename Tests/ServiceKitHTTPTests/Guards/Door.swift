import Foundation

/// A way into a server over HTTP.
enum Door: String, CaseIterable, Sendable {
    case rest, restStream, connect, connectGet, connectStream, grpcWeb, webSocket, ownRoute

    /// The answer to a call.
    struct Answer: Sendable {
        /// The status as HTTP has it, whatever the protocol's form of it.
        var status: Int
        var text: String
    }

    private static let statuses = [
        "invalid_argument": 400, "unauthenticated": 401, "permission_denied": 403, "not_found": 404,
        "resource_exhausted": 429, "internal": 500, "unavailable": 503, "deadline_exceeded": 504,
    ]
    /// The statuses by the numbers of gRPC.
    private static let numbers = [
        0: 200, 3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 13: 500, 14: 503, 16: 401,
    ]

    /// Calls a server.
    ///
    /// - Parameters:
    ///   - server: The server. Its own route is `/own`.
    ///   - fields: Further headers.
    func call(_ server: HTTPTestServer, _ fields: [String] = []) async throws -> Answer {
        switch self {
        case .rest: try await Self.get("/v1/users/1", server, fields)
        case .restStream: try await Self.stream(Self.get("/v1/users", server, fields))
        case .connect: try await Self.plain(server.post("GetUser", json: #"{"id":1}"#, fields))
        case .connectGet:
            try await Self.get(
                "/user.v1.UserService/GetUser?connect=v1&encoding=json&message=%7B%22id%22:1%7D", server, fields)
        case .connectStream:
            try await Self.stream(
                Self.plain(server.post("ListUsers", "application/connect+json", envelope("{}"), fields)))
        case .grpcWeb: try await Self.grpcWeb(server, fields)
        case .webSocket: try await Self.webSocket(server, fields)
        case .ownRoute: try await Self.get("/own", server, fields)
        }
    }

    private static func plain(_ response: RawClient.Response) -> Answer {
        Answer(status: response.status, text: response.text)
    }

    private static func get(_ target: String, _ server: HTTPTestServer, _ fields: [String]) async throws -> Answer {
        let client = try server.client()
        let head = ["GET \(target) HTTP/1.1", "Host: x"] + fields
        await client.send(head.joined(separator: "\r\n") + "\r\n\r\n")
        return plain(try await client.response())
    }

    /// The answer of a stream, which may end with an error behind a head without one.
    private static func stream(_ answer: Answer) -> Answer {
        guard answer.status == 200 else { return answer }
        let name = answer.text.firstMatch(of: /"code":"([a-z_]+)"/)?.output.1
        let code = answer.text.firstMatch(of: /"code":([0-9]+)/)?.output.1
        return Answer(
            status: name.flatMap { statuses[String($0)] } ?? code.flatMap { Int($0) } ?? 200, text: answer.text)
    }

    private static func grpcWeb(_ server: HTTPTestServer, _ fields: [String]) async throws -> Answer {
        let response = try await server.post("GetUser", "application/grpc-web", [0, 0, 0, 0, 2, 8, 1], fields)
        let last = pieces(response.body).last?.text ?? ""
        let number =
            response.fields["grpc-status"] ?? last.firstMatch(of: /grpc-status: ([0-9]+)/).map { "\($0.output.1)" }
        return Answer(status: number.flatMap { Int($0) }.flatMap { numbers[$0] } ?? response.status, text: last)
    }

    private static func webSocket(_ server: HTTPTestServer, _ fields: [String]) async throws -> Answer {
        let client = WebSocketClient(raw: try server.client())
        await client.raw.send(WebSocketClient.handshake("/user.v1.UserService/ListUsers", fields))
        // The message is there before the call looks for it.
        await client.send(.text("{}"))
        let response = try await client.raw.response()
        guard response.status == 101 else { return plain(response) }
        let frames = try await client.rest()
        return stream(Answer(status: 200, text: frames.map(\.text).joined()))
    }
}
