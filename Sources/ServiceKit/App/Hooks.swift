/// The code that an App runs at the four moments of its start and its end.
struct Hooks: Sendable {
    typealias Hook = @Sendable () async throws -> Void

    enum Moment: String, Sendable {
        case beforeStart = "before-start"
        case afterStart = "after-start"
        case beforeStop = "before-stop"
        case afterStop = "after-stop"
    }

    private var hooks: [Moment: [Hook]] = [:]

    subscript(moment: Moment) -> [Hook] { hooks[moment] ?? [] }

    mutating func add(_ hook: @escaping Hook, at moment: Moment) {
        hooks[moment, default: []].append(hook)
    }
}
