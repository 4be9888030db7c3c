import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitProtobuf
import ServiceKitSampleAPI
import ServiceKitTestSupport
import ServiceKitTesting
import SwiftProtobuf
import Testing

@testable import ServiceKitGRPC

/// Requests that are not as they must be, over real connections.
@Suite(.bothPaths, .timeLimit(.minutes(1)))
struct ValidationTests {
    init() { RequestChecks.areOn.update { $0 = true } }

    private func withUsers(
        _ yaml: String = "", descriptors: String = userDescriptors, _ body: (Users, LogRecorder) async throws -> Void
    ) async throws {
        let log = LogRecorder()
        let app = try App(
            configuration: Configuration(yaml: "app: {name: user-service}\nshutdown: {lame-duck: 0}\n" + yaml),
            registry: MemoryRegistry(),
            logger: log.logger(),
            environment: [:]
        )
        if CallPath.current == .direct {
            app.serve(UserProvider(), descriptors: descriptors)
        } else {
            app.serve(UserProvider(), descriptors: [descriptors]) { _ in }
        }
        let channel = try app.channel("user-service")
        try await serving(app, log: log) { try await body(Users(channel: channel), log) }
    }

    /// A client on the path of the test.
    private struct Users: Sendable {
        let channel: ServiceChannel

        func get(_ id: Int64) async -> RPCError? {
            var request = User_V1_GetUserRequest()
            request.id = id
            return await failure { [request] in
                switch CallPath.current {
                case .direct: try await User_V1_UserService.Stub(channel).getUser(request).id
                case .grpcCore: try await User_V1_UserService.Client(wrapping: channel.client).getUser(request).id
                }
            }
        }

        func create(_ name: String) async -> RPCError? {
            var request = User_V1_CreateUserRequest()
            request.name = name
            return await failure { [request] in
                switch CallPath.current {
                case .direct: try await User_V1_UserService.Stub(channel).createUser(request).id
                case .grpcCore: try await User_V1_UserService.Client(wrapping: channel.client).createUser(request).id
                }
            }
        }

        private func failure(_ call: () async throws -> Int64) async -> RPCError? {
            do {
                _ = try await call()
                return nil
            } catch {
                return error as? RPCError ?? RPCError(code: .unknown, message: "no RPCError: \(error)")
            }
        }
    }

    @Test func messageThatKnowsWhatIsWrongIsRefused() async throws {
        try await withUsers { users, _ in
            try await eventually { await users.get(2) == nil }
            let failure = try #require(await users.get(-1))
            #expect(failure.code == .invalidArgument && failure.message == "id: must not be negative")
            let error = failure.serviceError
            #expect(error.code == .badRequest && error.reason == ServiceError.validationReason)
            #expect(error.violations == [.init(field: "id", description: "must not be negative", reason: "ID")])
            #expect(await users.get(9)?.serviceError.reason == "USER_NOT_FOUND")
        }
    }

    /// The sample's descriptors, with rules on the name of a user that is created: 2 to 4 characters, and one that is not
    /// understood.
    private static func ruled() throws -> String {
        let bytes = try #require(Base64.decode(userDescriptors))
        var set = try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes)
        var string = WireWriter()
        for (number, value) in [(2, 2), (3, 4), (12, 1)] as [(Int32, UInt64)] {
            string.tag(number, .varint)
            string.varint(value)
        }
        var rules = WireWriter()
        rules.tag(14, .delimited)
        rules.delimited(string.bytes)
        var options = WireWriter()
        options.tag(1159, .delimited)
        options.delimited(rules.bytes)
        for file in set.file.indices {
            for message in set.file[file].messageType.indices
            where set.file[file].messageType[message].name == "CreateUserRequest" {
                set.file[file].messageType[message].field[0].options = try .init(serializedBytes: options.bytes)
            }
        }
        return Base64.encode(try set.serializedBytes() as [UInt8])
    }

    @Test func rulesOfTheDescriptorsAreChecked() async throws {
        try await withUsers(descriptors: try Self.ruled()) { users, log in
            try await eventually { await users.get(2) == nil }
            // The sample refuses to create users.
            #expect(await users.create("anna")?.serviceError.reason == "READ_ONLY")
            let failure = try #require(await users.create("a"))
            #expect(failure.code == .invalidArgument)
            #expect(
                failure.serviceError.violations == [
                    .init(field: "name", description: "must have at least 2 characters", reason: "string.min_len")
                ])
            let warnings = log.entries.filter { $0.message.hasPrefix("rules of buf.validate") }
            #expect(warnings.count == 1)
            #expect("\(warnings)".contains("user.v1.CreateUserRequest.name: string.email"))
        }
    }

    @Test func rulesAreNotCheckedIfTheOperatorSaysSo() async throws {
        try await withUsers("server: {grpc: {validation: false}}", descriptors: try Self.ruled()) { users, log in
            try await eventually { await users.get(2) == nil }
            #expect(await users.create("a")?.serviceError.reason == "READ_ONLY")
            #expect(!log.entries.contains { $0.message.hasPrefix("rules of buf.validate") })
        }
    }
}

/// Violations in errors.
@Suite struct FieldViolationTests {
    @Test func violationsTravelBothWays() {
        let error = ServiceError.invalid([
            .init(field: "a.b[2]", description: "must be é", reason: "R"),
            .init(field: "c", description: "must be set"),
        ])
        let travelling = RPCError(describing: error)
        #expect(travelling.code == .invalidArgument && travelling.message == "a.b[2]: must be é; c: must be set")
        #expect(travelling.serviceError == error)
        let many = ServiceError.invalid((1...5).map { .init(field: "f\($0)", description: "no") })
        #expect(many.message == "f1: no; f2: no; f3: no; and 2 more" && many.violations.count == 5)
    }
}
