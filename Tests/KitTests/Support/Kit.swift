import ServiceKitTestSupport

/// The built `kit`.
enum Kit {
    static let path = RunningProgram.path(ofProduct: "servicekit-kit")

    /// Starts `kit`.
    static func start(_ arguments: [String]) throws -> RunningProgram {
        try RunningProgram(path, arguments)
    }

    /// Runs `kit` until it ends.
    ///
    /// - Parameters:
    ///   - arguments: The arguments.
    ///   - environment: Variables beyond those of the test.
    ///   - body: Runs meanwhile. If it throws, `kit` is killed.
    @discardableResult
    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        _ body: (RunningProgram) async throws -> Void = { _ in }
    ) async throws -> RunningProgram.Result {
        try await RunningProgram.run(path, arguments, environment: environment, body)
    }
}
