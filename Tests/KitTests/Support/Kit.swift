import ServiceKitTestSupport

/// The built `kit`.
enum Kit {
    static let path = RunningProgram.path(ofProduct: "servicekit-kit")

    /// Starts it.
    static func start(_ arguments: [String]) throws -> RunningProgram {
        try RunningProgram(path, arguments)
    }

    /// Runs it to its end.
    ///
    /// - Parameters:
    ///   - arguments: Its arguments.
    ///   - environment: Variables beyond those of the test.
    ///   - body: What is done meanwhile; when it throws, it is killed.
    @discardableResult
    static func run(
        _ arguments: [String],
        environment: [String: String] = [:],
        _ body: (RunningProgram) async throws -> Void = { _ in }
    ) async throws -> RunningProgram.Result {
        try await RunningProgram.run(path, arguments, environment: environment, body)
    }
}
