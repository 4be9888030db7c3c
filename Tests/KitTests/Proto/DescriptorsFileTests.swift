import Foundation
import ServiceKitProtobuf
import SwiftProtobuf
import Testing

@testable import ServiceKitCommand

@Suite struct DescriptorsFileTests {
    /// The sample's file, the output of `make proto`.
    private func sample() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = root.appending(path: "cmd/user-api/Generated/user.descriptors.swift")
        return String(decoding: try Data(contentsOf: file), as: UTF8.self)
    }

    private func set() throws -> [UInt8] {
        let text = try sample().split(separator: "\"\"\"")[1].filter { !$0.isWhitespace && $0 != "\\" }
        return try #require(Base64.decode(text))
    }

    @Test func descriptorsFileMatchesTheScript() throws {
        let file = DescriptorsFile(proto: "user.proto", set: try set())
        #expect(file.text == (try sample()))
    }

    @Test func aSetCanBeGivenAsText() throws {
        // Text has a form for the paths over HTTP, and for no other option of another package.
        var set = try Google_Protobuf_FileDescriptorSet(
            serializedBytes: set(), extensions: Google_Api_Annotations_Extensions)
        set.file = set.file.filter { $0.name == "user.proto" }
        for index in set.file[0].enumType.indices {
            set.file[0].enumType[index].clearOptions()
            for value in set.file[0].enumType[index].value.indices {
                set.file[0].enumType[index].value[value].clearOptions()
            }
        }
        #expect(set.textFormatString().contains("get: \"/v1/users/{id}\""))
        let file = try DescriptorsFile(proto: "user.proto", text: set.textFormatString())
        #expect(file.text == (try DescriptorsFile(proto: "user.proto", set: set.serializedBytes()).text))
    }

    @Test func descriptorsKeepCommentsAndLeaveOutFilesOfOptions() throws {
        let set = try Google_Protobuf_FileDescriptorSet(serializedBytes: set())
        // Its imports are errors/errors.proto and google/api/annotations.proto.
        #expect(set.file.map(\.name) == ["user.proto"])
        #expect(set.file[0].dependency == [])
        let pool = try DescriptorPool(set.file)
        let notes = DeclarationNotes(pool)
        #expect(notes.comment(on: "user.v1.UserService") == "The sample service: users, kept in memory.")
        #expect(notes.comment(on: "user.v1.ListUsersRequest.limit") == "How many users at most; 0 is all.")
        #expect(notes.comment(on: "user.v1.UserError.STORE_FULL") == "There is no room for another user.")
        #expect(notes.comment(on: "user.v1.User") == nil)
        #expect(try pool.httpRules(of: "GetUser", in: "user.v1.UserService") == [HTTPRule("GET", "/v1/users/{id}")])
        // Readers in other languages refuse a place without a span.
        #expect(set.file[0].sourceCodeInfo.location.allSatisfy { $0.span.count == 3 })
    }
}
