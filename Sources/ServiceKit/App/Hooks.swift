/// Code that an App runs at a moment of its start or its end.
typealias Hook = @Sendable () async throws -> Void

enum HookMoment: String, Sendable {
    case beforeStart = "before-start"
    case afterStart = "after-start"
    case beforeStop = "before-stop"
    case afterStop = "after-stop"
}
