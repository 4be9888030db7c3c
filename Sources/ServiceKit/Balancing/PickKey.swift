private import ServiceContextModule

/// Where the key of a call is that a balancer picks by.
public enum PickKeySource: Hashable, Sendable {
    /// The balancer goes by no key.
    case none
    /// The program gives the key: ``withBalancingKey(_:isolation:_:)``.
    case program
    /// The key is the value of a header, whose name is in lower case, unless the program gives one.
    case header(String)

    /// The hash of a call's key.
    ///
    /// - Parameter header: The first value of a header of the call.
    /// - Returns: The hash; `nil` if the call has no key.
    package func key(_ header: (_ name: String) -> String?) -> UInt64? {
        if case .none = self { return nil }
        if let given = ServiceContext.current?.balancingKey { return given }
        guard case .header(let name) = self else { return nil }
        return header(name).map(KeyHash.hash)
    }
}

extension ServiceContext {
    private enum BalancingKey: ServiceContextKey {
        typealias Value = UInt64
    }

    /// The hash of the key of ``withBalancingKey(_:isolation:_:)``.
    fileprivate var balancingKey: UInt64? {
        get { self[BalancingKey.self] }
        set { self[BalancingKey.self] = newValue }
    }
}

/// Gives a key to every call that is made inside a body. A balancer such as `consistent_hash` picks the node by it; it is
/// not sent.
///
/// ```swift
/// let cart = try await withBalancingKey(user.id) { try await carts.getCart(request) }
/// ```
/// - Parameters:
///   - key: The key.
///   - isolation: The actor that the body runs on; the caller's by default.
///   - body: The code that makes the calls.
/// - Returns: The result of `body`.
/// - Throws: The error of `body`.
public func withBalancingKey<Result>(
    _ key: String,
    isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> Result
) async rethrows -> Result {
    var context = ServiceContext.current ?? .topLevel
    context.balancingKey = KeyHash.hash(key)
    return try await ServiceContext.withValue(context, isolation: isolation, operation: body)
}
