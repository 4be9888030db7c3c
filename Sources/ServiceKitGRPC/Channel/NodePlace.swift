internal import GRPCNghttp2Transport
internal import ServiceKit

/// An address that a channel connects to, whatever the labels of the instance there.
final class NodePlace: Sendable {
    /// The instance's id.
    let id: String
    let connection: ClientConnection
    /// Learn of the attempts made here.
    let observers: [any CallObserver]

    init(id: String, connection: ClientConnection, observers: [any CallObserver]) {
        self.id = id
        self.connection = connection
        self.observers = observers
    }
}
