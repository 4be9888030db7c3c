package import GRPCNghttp2Transport
package import ServiceKit
package import ServiceKitHTTP2
package import ServiceKitProtobuf
import Synchronization

/// The module that answers requests of other protocols than gRPC on the server's port, if a program has one.
package final class OtherRequests: Sendable {
    /// Prepares the handler when the server is made, and makes it when the server listens.
    ///
    /// - Throws: An error that ends the start.
    package typealias Prepare =
        @Sendable (_ app: App, _ descriptors: DescriptorPool) throws -> @Sendable (ServedMethods) -> any RequestHandler

    private let value = Mutex<Prepare?>(nil)

    /// `nil` where requests of other protocols are refused.
    package var prepare: Prepare? { value.withLock(\.self) }

    /// Has a module answer them.
    package func set(_ prepare: @escaping Prepare) {
        value.withLock { $0 = prepare }
    }
}

extension App {
    /// The module that answers requests of other protocols than gRPC.
    package var otherRequests: OtherRequests { component(OtherRequests.self) { OtherRequests() } }
}
