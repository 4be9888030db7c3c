extension App {
    /// Code that an App runs at the start or the end of its life.
    public typealias Hook = @Sendable () async throws -> Void
}

/// The four moments for hooks.
struct Hooks: Sendable {
    enum Moment: String, Sendable {
        case beforeStart = "before-start"
        case afterStart = "after-start"
        case beforeStop = "before-stop"
        case afterStop = "after-stop"
    }

    private var hooks: [Moment: [App.Hook]] = [:]

    subscript(moment: Moment) -> [App.Hook] { hooks[moment] ?? [] }

    mutating func add(_ hook: @escaping App.Hook, at moment: Moment) {
        hooks[moment, default: []].append(hook)
    }
}
