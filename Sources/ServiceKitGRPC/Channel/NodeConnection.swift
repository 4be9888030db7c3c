internal import GRPCNghttp2Transport

/// A connection to an instance, as a ``NodePool`` holds it. It is run by the channel, and tells its states to the pool.
package protocol NodeConnection: AnyObject, Sendable {
    /// Takes no more calls, and ends with the last call.
    func beginGracefulShutdown()

    /// Tries at once to connect again, if it waits for that.
    func resetBackoff()
}

extension ClientConnection: NodeConnection {}
