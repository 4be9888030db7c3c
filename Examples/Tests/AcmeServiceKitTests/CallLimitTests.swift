import ServiceKit
import ServiceKitConfig
import Testing

@testable import AcmeServiceKit

@Suite struct CallLimitTests {
    private let call = Call(side: .server, operation: "/user.v1.UserService/GetUser")

    @Test func callsBeyondTheLimitAreRefused() async throws {
        let chain = MiddlewareChain(CallLimit(1))
        for _ in 0..<2 {
            let outer = await chain.run(call) { _ in
                let inner = await chain.run(call) { _ in CallResult() }
                #expect((inner.error as? ServiceError)?.reason == "SERVER_BUSY")
                return CallResult()
            }
            #expect(outer.error == nil)
        }
    }

    @Test func ownCallsAreNotCounted() async throws {
        let chain = MiddlewareChain(CallLimit(0))
        let result = await chain.run(Call(side: .client, operation: "/user.v1.UserService/GetUser")) { _ in CallResult()
        }
        #expect(result.error == nil)
    }
}
