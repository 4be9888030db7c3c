/// Additions of plugins to each App, such as middleware: a plugin adds a function that gets the App.
///
/// ```swift
/// extension Plugin {
///     static var audit: Plugin { .adding(to: AppExtensions.self) { $0.add { app in app.use(Audit()) } } }
/// }
/// ```
/// The functions run when the App is made: behind the App's default middleware, and before ``Authorization``.
public struct AppExtensions: PluginSection {
    /// Nothing.
    public static let embedded = AppExtensions()
    private(set) var all: [@Sendable (App) throws -> Void] = []

    /// Adds a function.
    ///
    /// - Parameter extend: Adds to the App. An error ends the start.
    public mutating func add(_ extend: @escaping @Sendable (_ app: App) throws -> Void) {
        all.append(extend)
    }
}
