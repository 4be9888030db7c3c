import ServiceContextModule
import ServiceKit
import ServiceKitAuth
import Testing

/// The examples of the page `ServiceKitAuth`.
@Suite struct GuideTests {
    private func main() async {
        await App.run(plugins: [.auth]) { app in
            app.use(OwnTenantOnly())
        }
    }

    struct OwnTenantOnly: Authorizer {
        func permits(_ call: Call) -> Bool {
            guard let tenant = call.metadata["x-md-tenant"] else { return false }
            return call.identity?.claim("tenant")?.texts.contains(tenant) ?? false
        }
    }

    private func handle() throws -> String {
        guard let caller = ServiceContext.current?.identity else {
            throw ServiceError(.unauthenticated, reason: "WHO_ARE_YOU", message: "sign in")
        }
        return caller.subject
    }

    @Test(
        arguments: [
            ("acme", "acme", true), ("acme", "other", false), ("acme", nil, false), (nil, "acme", false),
        ] as [(String?, String?, Bool)])
    func theAuthorizer(_ claim: String?, _ tenant: String?, _ isAllowed: Bool) async {
        var call = Call(side: .server, operation: "/a.B/C")
        call.metadata["x-md-tenant"] = tenant
        if let claim { call.identity = Identity(subject: "a", claims: ["tenant": .string(claim)]) }
        let result = await MiddlewareChain(OwnTenantOnly()).run(call) { _ in CallResult() }
        #expect(result.error.flatMap { ServiceError($0) }?.code == (isAllowed ? nil : .forbidden))
    }

    @Test func theHandler() throws {
        #expect(throws: ServiceError.self) { try handle() }
        var context = ServiceContext.topLevel
        context.identity = Identity(subject: "alice")
        #expect(try ServiceContext.withValue(context) { try handle() } == "alice")
    }
}
