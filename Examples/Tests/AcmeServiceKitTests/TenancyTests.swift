import ServiceContextModule
import ServiceKit
import Testing

@testable import AcmeServiceKit

@Suite struct TenancyTests {
    private let chain = MiddlewareChain(Tenancy())

    /// The tenant that a handler's call sends.
    private func tenant(of incoming: CallMetadata, sending outgoing: CallMetadata = [:]) async -> String? {
        let sent = Watched<String?>(nil)
        _ = await chain.run(Call(side: .server, operation: "/user.v1.UserService/GetUser", metadata: incoming)) {
            call in
            // As a server does it.
            await ServiceContext.withValue(call.context) {
                let call = Call(side: .client, operation: "/order.v1.OrderService/ListOrders", metadata: outgoing)
                return await chain.run(call) { call in
                    sent.set(call.metadata["x-tenant"])
                    return CallResult()
                }
            }
        }
        return sent.value
    }

    @Test func theTenantOfACallIsSentWithTheCallsOfItsHandler() async {
        #expect(await tenant(of: ["x-tenant": "acme"]) == "acme")
        #expect(await tenant(of: ["x-tenant": "acme"], sending: ["x-tenant": "other"]) == "other")
    }

    @Test func callsWithoutATenantAreRefused() async throws {
        let result = await chain.run(Call(side: .server, operation: "/user.v1.UserService/GetUser")) { _ in CallResult()
        }
        #expect(ServiceError(try #require(result.error))?.reason == "TENANT_MISSING")
    }
}
