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

    @Test(arguments: ["livez", "readyz"])
    func theProbes(_ path: String) async throws {
        try await HTTPTestServer.with { server in
            let client = try server.client()
            await client.send("GET /\(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().status == 200)
        }
    }
}
