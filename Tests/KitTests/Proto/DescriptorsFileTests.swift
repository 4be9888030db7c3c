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
        let text = try Google_Protobuf_FileDescriptorSet(serializedBytes: set()).textFormatString()
        let file = try DescriptorsFile(proto: "user.proto", text: text)
        #expect(file.text == (try sample()))
    }
}
