import GRPCCore
import ServiceKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKitGRPC

/// A call looks the same on the wire and to its caller, whichever code it goes through.
@Suite(.timeLimit(.minutes(1)))
struct CallPathTests {
    /// A call of the comparison.
    enum Script: String, CaseIterable, CustomTestStringConvertible {
        case unary, trailers, streams, nothing, twoMessages, serviceError, unknownError, failsBetweenMessages,
            unimplemented

        var testDescription: String { rawValue }
    }

    private struct Failure: Error {}

    private static let answers: [String: TestService.Handler] = [
        "unary": { _, _ in .text("a") },
        "trailers": { _, _ in
            TestService.Response(
                single: ServerResponse(message: [1], metadata: ["head": "1"], trailingMetadata: ["tail": "2"])
            )
        },
        "nothing": { _, _ in TestService.Response { _ in [:] } },
        "twoMessages": { _, _ in
            TestService.Response { writer in
                try await writer.write(contentsOf: [[1], [2]])
                return [:]
            }
        },
        "serviceError": { _, _ in throw ServiceError(.notFound, reason: "GONE", message: "it is gone") },
        "unknownError": { _, _ in throw Failure() },
        "failsBetweenMessages": { _, _ in
            TestService.Response { writer in
                try await writer.write([1])
                throw ServiceError(.conflict, reason: "LATE", message: "too late")
            }
        },
    ]

    /// They read the request first: a client sends nothing more after an answer.
    private static let handlers = answers.mapValues { answer -> TestService.Handler in
        { request, context in
            for try await _ in request.messages {}
            return try await answer(request, context)
        }
    }

    /// The call as its caller and the wire have it.
    private struct Course: Equatable {
        var answer = ""
        /// The header blocks and the bodies of both sides.
        var heads: [String: [[UInt8]]] = [:]
        var bodies: [String: [UInt8]] = [:]
    }

    @Test(arguments: Script.allCases, [false, true])
    func bothPathsSendTheSameBytesAndGiveTheSameAnswer(_ script: Script, hasMiddleware: Bool) async throws {
        var core = try await courses(of: script, hasMiddleware, server: .grpcCore)
        var direct = try await courses(of: script, hasMiddleware, server: .direct)
        let isSameForClients = core[0] == core[1] && direct[0] == direct[1]
        #expect(isSameForClients, "\(core) \(direct)")
        // The client's head has the server's port in it.
        core[0].heads["client"] = nil
        direct[0].heads["client"] = nil
        let isSameForServers = core[0] == direct[0]
        #expect(isSameForServers, "\(core[0]) \(direct[0])")
    }

    /// The call on a server, once for each path of the client.
    private func courses(of script: Script, _ hasMiddleware: Bool, server path: CallPath) async throws -> [Course] {
        var courses: [Course] = []
        try await withTestBed { bed in
            let middleware: [any Middleware] = hasMiddleware ? [Recorder()] : []
            let server = try await CallPath.$current.withValue(path) {
                try await bed.server("a", Self.handlers, middleware: middleware, isRegistered: false)
            }
            let relay = try FrameRelay(to: try await server.endpoint)
            defer { relay.stop() }
            let registry = try StaticRegistry(services: ["test": [relay.endpoint]])
            for path in CallPath.allCases {
                let start = relay.frames.value.count
                var course = Course()
                let client = try bed.client(middleware: middleware, discoverer: registry)
                course.answer = await CallPath.$current.withValue(path) { await answer(of: script, client) }
                await client.shutDown()
                _ = await relay.openConnections.first { $0 == 0 }
                for seen in relay.frames.value[start...] where seen.frame.stream != 0 {
                    switch seen.frame.kind {
                    case .headers: course.heads["\(seen.side)", default: []].append(seen.frame.payload)
                    // No handler reads the request: the answer may come before its message is sent.
                    case .data where script == .unimplemented && seen.side == .client: break
                    case .data: course.bodies["\(seen.side)", default: []] += seen.frame.payload
                    default: break
                    }
                }
                courses.append(course)
            }
        }
        return courses
    }

    private func answer(of script: Script, _ client: TestClient) async -> String {
        var patient = CallOptions.defaults
        patient.waitForReady = true
        do {
            switch script {
            case .unary, .trailers, .nothing, .twoMessages, .serviceError, .unknownError, .unimplemented:
                let response = try await client.call(script.rawValue, [1, 2], metadata: ["x": "y"], options: patient)
                let message = Result { try response.message }
                return "\(message) \(response.metadata) \(response.trailingMetadata)"
            case .streams:
                return "\(try await client.echo([[1], [2, 3]], options: patient))"
            case .failsBetweenMessages:
                return try await client.stream(script.rawValue, options: patient) { _ in
                } _: { response in
                    var messages: [[UInt8]] = []
                    do {
                        for try await message in response.messages { messages.append(message) }
                    } catch {
                        return "\(messages) \(error)"
                    }
                    return "\(messages)"
                }
            }
        } catch {
            return "\(error)"
        }
    }
}
