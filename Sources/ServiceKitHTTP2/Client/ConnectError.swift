/// A client could not connect, or lost its connection.
package struct ConnectError: Error, Hashable, CustomStringConvertible {
    package let address: TransportAddress
    package let reason: String

    package var description: String { "cannot connect to \(address): \(reason)" }
}
