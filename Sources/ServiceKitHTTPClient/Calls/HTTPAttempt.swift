internal import AsyncHTTPClient
internal import GRPCCore
internal import ServiceKit
internal import ServiceKitGRPC

/// An attempt of a call: one request to one instance.
struct HTTPAttempt: Sendable {
    let pick: Pick<HTTPNode>
    let node: HTTPNode
    let operation: String
    private let core: ChannelCore<HTTPNode>
    private var ends: [CallAttempt.End] = []

    init(_ pick: Pick<HTTPNode>, _ node: HTTPNode, of operation: String, _ core: ChannelCore<HTTPNode>) {
        self.pick = pick
        self.node = node
        self.operation = operation
        self.core = core
    }

    /// Begins the middleware of the attempt.
    ///
    /// - Returns: The headers of the attempt.
    /// - Throws: The error of a middleware.
    mutating func begin(_ call: Call) throws -> CallMetadata {
        if call.attemptBegins.isEmpty { return call.metadata }
        var begun = CallAttempt(
            operation: operation, number: pick.number, node: pick.node, metadata: call.metadata)
        // Middleware that has begun learns of the end, even if the next middleware throws.
        defer { ends = begun.ends }
        try call.begin(&begun)
        return begun.metadata
    }

    /// Ends the attempt; called once.
    func end(_ result: AttemptResult) {
        node.end()
        core.pool.ended(pick, ends, of: operation, with: result)
    }

    /// The result of a call whose last attempt this is.
    func result(_ error: (any Error)?) -> CallResult {
        CallResult(error: error, node: pick.node, attempts: pick.number)
    }
}
