package import GRPCNghttp2Transport
package import ServiceKit
package import ServiceKitHTTP2
package import ServiceKitProtobuf
import Synchronization

/// The module that answers requests of other protocols than gRPC, if a program has one.
package final class OtherRequests: Sendable {
    /// Prepares the handler when the server is made, and makes it when the server listens.
    ///
    /// - Throws: An error that ends the start.
    package typealias Prepare =
        @Sendable (_ app: App, _ descriptors: DescriptorPool) throws -> @Sendable (ServedMethods) -> any RequestHandler

    /// The server that answers them.
    package enum Port: Sendable {
        /// That of gRPC.
        case shared
        /// A server of its own, with its name and its address.
        case own(name: String, ListenAddress)
    }

    private let value = Mutex<(Prepare, Port)?>(nil)

    /// `nil` where requests of other protocols are refused.
    package var prepare: Prepare? { value.withLock { $0?.0 } }

    /// The server that answers them.
    package var port: Port { value.withLock { $0?.1 } ?? .shared }

    /// Has a module answer them.
    package func set(on port: Port = .shared, _ prepare: @escaping Prepare) {
        value.withLock { $0 = (prepare, port) }
    }
}

extension App {
    /// The module that answers requests of other protocols than gRPC.
    package var otherRequests: OtherRequests { component(OtherRequests.self) { OtherRequests() } }
}
