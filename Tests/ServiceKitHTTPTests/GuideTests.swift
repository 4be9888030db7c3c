import HTTPTypes
import ServiceKit
import ServiceKitGRPC
import ServiceKitHTTP
import ServiceKitSampleAPI
import Testing

/// The examples of the page `ServiceKitHTTP`.
@Suite struct GuideTests {
    private func main(provider: TestUsers) async {
        await App.run(plugins: [.http]) { app in
            app.serve(provider, descriptors: userDescriptors)
        }
    }

    private func main(provider: TestUsers, pictures: [String: [UInt8]]) async {
        await App.run(plugins: [.http]) { app in
            app.serve(provider, descriptors: userDescriptors)
            app.http.get("/avatars/{id}") { request in
                guard let id = request.parameters["id"], let picture = pictures[id] else {
                    throw ServiceError(.notFound, reason: "AVATAR_NOT_FOUND", message: "there is no such avatar")
                }
                return RouteResponse(body: picture, contentType: "image/png")
            }
            app.http.files(at: "/assets", from: "public")
            app.http.adjust("/user.v1.UserService/CreateUser") { reply in
                if reply.error == nil { reply.status = .created }
            }
        }
    }

    private func describe(_ app: App, _ serve: @escaping HTTPRoutes.Handler) {
        let avatar = RouteDescription(
            "The picture of a user.", parameters: [.query("size", .integer, "The width in pixels.")],
            responses: [.init(.ok, .bytes("image/png"), "The picture.")])
        app.http.get("/avatars/{id}", describedBy: avatar, serve)
        app.http.adjust("*", describedBy: ReplyDescription(body: .object(["data": .reply]))) { reply in
            if reply.error == nil { reply.body = Array(#"{"data":"#.utf8) + reply.body + Array("}".utf8) }
        }
    }

    @Test(arguments: ["livez", "readyz"])
    func theProbes(_ path: String) async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            await client.send("GET /\(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().status == 200)
        }
    }
}
