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
        // Text has no form for options of other packages.
        var set = try Google_Protobuf_FileDescriptorSet(serializedBytes: set())
        set.file = set.file.filter { $0.name == "user.proto" }
        for index in set.file[0].enumType.indices {
            set.file[0].enumType[index].clearOptions()
            for value in set.file[0].enumType[index].value.indices {
                set.file[0].enumType[index].value[value].clearOptions()
            }
        }
        let file = try DescriptorsFile(proto: "user.proto", text: set.textFormatString())
        #expect(file.text == (try DescriptorsFile(proto: "user.proto", set: set.serializedBytes()).text))
    }
}
