/// The cause of an `RPCError` with code `unavailable` that tells that the server certainly did not process the call.
///
/// Such a call can be made again elsewhere, even if its method is not idempotent. The cause is set when there was no
/// connection, when the server refused the stream or excluded it while going away, and when the connection was lost before
/// the call's headers had left.
package struct CallNotProcessed: Error, Hashable {
    /// Whether the call has reached a server, which refused the stream.
    package let isRefusal: Bool

    package init(isRefusal: Bool = false) {
        self.isRefusal = isRefusal
    }
}
