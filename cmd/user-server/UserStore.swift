import ServiceKit
import ServiceKitSampleAPI
import SwiftProtobuf
import Synchronization

/// Users, in memory.
final class UserStore: Sendable {
    /// The largest number of users.
    static let capacity = 100_000
    /// The largest number of events that a watcher may lag behind.
    static let watchBuffer = 256

    fileprivate typealias Watcher = AsyncThrowingStream<User_V1_User, any Error>.Continuation

    fileprivate struct State {
        var users: [User_V1_User] = []
        var watchers: [UInt64: Watcher] = [:]
        var nextWatcher: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Creates a store with the users 1, 2 and 3.
    static func withSamples() -> UserStore {
        let store = UserStore()
        store.state.withLock { state in
            for name in ["Ada", "Grace", "Barbara"] { state.add(name: name, email: "\(name.lowercased())@example.com") }
        }
        return store
    }

    /// Adds a user and tells the watchers. Throws `ServiceError` when the store is full.
    func create(name: String, email: String) throws -> User_V1_User {
        let (user, watchers) = try state.withLock { state in
            guard state.users.count < Self.capacity else {
                throw User_V1_UserError.storeFull("no room for another user")
            }
            return (state.add(name: name, email: email), Array(state.watchers.values))
        }
        for watcher in watchers {
            if case .dropped = watcher.yield(user) {
                watcher.finish(throwing: User_V1_UserError.watcherTooSlow("events were missed"))
            }
        }
        return user
    }

    /// The user with an id.
    func user(id: Int64) -> User_V1_User? {
        state.withLock { state in
            guard id >= 1, id <= Int64(state.users.count) else { return nil }
            return state.users[Int(id - 1)]
        }
    }

    /// All users in the order of their ids.
    var allUsers: [User_V1_User] { state.withLock(\.users) }

    /// The users that are created from now on.
    func newUsers() -> AsyncThrowingStream<User_V1_User, any Error> {
        let (stream, continuation) = AsyncThrowingStream.makeStream(
            of: User_V1_User.self,
            bufferingPolicy: .bufferingOldest(Self.watchBuffer)
        )
        let id: UInt64? = state.withLock { state in
            if state.isClosed { return nil }
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = continuation
            return state.nextWatcher
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.watchers.removeValue(forKey: id) }
        }
        return stream
    }

    /// Ends every watch, now and later.
    func endWatches() {
        let watchers = state.withLock { state in
            state.isClosed = true
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.finish() }
    }
}

extension UserStore.State {
    @discardableResult
    fileprivate mutating func add(name: String, email: String) -> User_V1_User {
        let user = User_V1_User.with {
            $0.id = Int64(users.count + 1)
            $0.name = name
            $0.email = email
        }
        users.append(user)
        return user
    }
}
