import SwiftProtobuf
import Testing

@testable import ServiceKitProtobuf

@Suite struct DescriptorPoolTests {
    private let pool = Samples.pool

    @Test(arguments: [
        ("kinds.v1.Kinds", "kinds.proto"), ("kinds.v1.Kinds.Nested", "kinds.proto"),
        ("kinds.v1.Kinds.Nested.id", "kinds.proto"), ("kinds.v1.Kinds.choice", "kinds.proto"),
        ("kinds.v1.Color", "kinds.proto"), ("kinds.v1.COLOR_RED", "kinds.proto"),
        ("google.protobuf.Timestamp", "google/protobuf/timestamp.proto"), ("kinds.legacy.outer", "legacy.proto"),
        ("kinds.legacy.Holder.inner", "legacy.proto"), ("kinds.legacy.Legacy.Pair", "legacy.proto"),
    ])
    func symbolsAreFound(symbol: String, file: String) {
        #expect(pool.file(declaring: symbol)?.name == file)
    }

    @Test func missingNamesAreNotFound() {
        #expect(pool.file(declaring: "kinds.v1") == nil)
        #expect(pool.file("other.proto") == nil)
        #expect(pool.service("kinds.v1.Kinds") == nil)
        #expect(throws: DescriptorError("no descriptor of the message x.Y")) { try pool.message("x.Y") }
        #expect(throws: DescriptorError("no descriptor of the enum x.Y")) { try pool.enumeration("x.Y") }
    }

    @Test func extensions() {
        #expect(pool.extensionNumbers(of: "kinds.legacy.Legacy") == [100, 101])
        #expect(pool.extensionNumbers(of: "kinds.legacy.Holder") == [])
        #expect(pool.extensionNumbers(of: "x.Y") == nil)
        #expect(pool.file(declaringExtension: 101, of: "kinds.legacy.Legacy")?.name == "legacy.proto")
        #expect(pool.file(declaringExtension: 102, of: "kinds.legacy.Legacy") == nil)
    }

    @Test func aFileWithItsImports() throws {
        let file = try #require(pool.file("kinds.proto"))
        let names = pool.closure(of: file).map(\.name)
        #expect(names.count == 8)
        #expect(names.last == "kinds.proto")
        #expect(pool.missingFiles.isEmpty)
        let alone = try DescriptorPool([file])
        #expect(alone.closure(of: file).map(\.name) == ["kinds.proto"])
        #expect(alone.missingFiles.count == 7)
    }

    @Test func importCycleHasAClosure() throws {
        let files = ["a", "b"].map { name in
            Google_Protobuf_FileDescriptorProto.with {
                $0.name = name
                $0.dependency = ["a", "b"]
            }
        }
        #expect(try DescriptorPool(files).closure(of: files[0]).map(\.name) == ["b", "a"])
    }

    @Test func aFileOfOneNameCountsOnce() throws {
        let file = try #require(pool.file("kinds.proto"))
        #expect(try DescriptorPool([file, file]).fileCount == 1)
        var other = file
        other.name = "other.proto"
        #expect(throws: DescriptorError("kinds.proto and other.proto both declare kinds.v1.Kinds")) {
            try DescriptorPool([file, other])
        }
    }

    @Test(arguments: ["", "no base64!", "AQID"])
    func malformedDescriptorSetIsRefused(text: String) {
        if text.isEmpty {
            #expect((try? DescriptorPool(base64: [text]))?.fileCount == 0)
        } else {
            #expect(throws: DescriptorError.self) { try DescriptorPool(base64: [text]) }
        }
    }

    @Test(arguments: [0, -1, 0x2000_0000, 2])
    func fieldWithANumberOfNoFieldIsRefused(number: Int32) {
        var file = Google_Protobuf_FileDescriptorProto()
        var message = Google_Protobuf_DescriptorProto()
        message.name = "M"
        for (name, number) in [("a", 2), ("b", number)] as [(String, Int32)] {
            var field = Google_Protobuf_FieldDescriptorProto()
            (field.name, field.number, field.type) = (name, number, .int32)
            message.field.append(field)
        }
        file.messageType = [message]
        #expect(throws: DescriptorError.self) { try DescriptorPool([file]) }
        message.field[1].number = 3
        message.field[1].oneofIndex = 0
        file.messageType = [message]
        #expect(throws: DescriptorError.self) { try DescriptorPool([file]) }
    }

    @Test func fields() throws {
        let kinds = try pool.message(Samples.kinds)
        #expect(kinds.oneofs == ["choice"])
        #expect(kinds.field(named: "otherName")?.name == "renamed")
        #expect(kinds.field(named: "renamed")?.jsonName == "otherName")
        #expect(kinds.field(number: 40)?.hasPresence == true)
        #expect(kinds.field(number: 40)?.oneof == nil)
        #expect(kinds.field(number: 50)?.oneof == 0)
        #expect(kinds.field(number: 20)?.isPacked == true)
        #expect(kinds.field(number: 21)?.isPacked == false)
        #expect(try pool.message("kinds.legacy.Legacy").field(number: 3)?.isPacked == false)
    }

    /// https://protobuf.dev/editions/features/
    @Test func editions() throws {
        let file = Google_Protobuf_FileDescriptorProto.with {
            $0.name = "edition.proto"
            $0.package = "e"
            $0.syntax = "editions"
            $0.edition = .edition2023
            $0.messageType = [
                .with {
                    $0.name = "M"
                    $0.field = [
                        .with { ($0.name, $0.number, $0.type, $0.label) = ("a", 1, .int32, .optional) },
                        .with {
                            ($0.name, $0.number, $0.type, $0.label) = ("b", 2, .int32, .optional)
                            $0.options.features.fieldPresence = .implicit
                        },
                        .with {
                            ($0.name, $0.number, $0.type, $0.label) = ("c", 3, .int32, .repeated)
                            $0.options.features.repeatedFieldEncoding = .expanded
                        },
                        .with {
                            ($0.name, $0.number, $0.type, $0.label) = ("d_e", 4, .message, .optional)
                            $0.typeName = ".e.M"
                            $0.options.features.messageEncoding = .delimited
                        },
                    ]
                }
            ]
        }
        let pool = try DescriptorPool([file])
        let message = try pool.message("e.M")
        #expect(message.fields.map(\.hasPresence) == [true, false, false, true])
        #expect(message.field(number: 3)?.isPacked == false)
        #expect(message.field(named: "dE")?.kind == .message("e.M", isDelimited: true))
        let json = #"{"a":0,"c":[1],"dE":{"a":5}}"#
        let transcoder = try JSONTranscoder("e.M", in: MessageTables(pool))
        let bytes = try transcoder.decode(Array(json.utf8))
        #expect(bytes == [0x08, 0, 0x18, 1, 0x23, 0x08, 5, 0x24])
        #expect(try transcoder.encode(bytes) == Array(json.utf8))
    }

    @Test func textForPeople() throws {
        let text = try ProtoText(pool).types(["kinds.legacy.Legacy"])
        #expect(
            text == """
                message kinds.legacy.Legacy {
                  optional int32 id = 1;
                  optional string name = 2;
                  repeated int32 numbers = 3;
                  kinds.legacy.Legacy.Pair pair = 4;
                }

                message kinds.legacy.Legacy.Pair {
                  optional int32 left = 1;
                  kinds.legacy.Legacy right = 2;
                }
                """
        )
        let kinds = try ProtoText(pool).types([Samples.kinds])
        #expect(kinds.contains("  map<int64, kinds.v1.Kinds.Nested> messages_by_id = 31;\n"))
        #expect(kinds.contains("  oneof choice {\n    string text = 50;\n    int64 number = 51;\n"))
        #expect(kinds.contains("  optional int32 optional_number = 40;\n  optional string optional_string = 41;\n"))
        #expect(kinds.contains("enum kinds.v1.Color {\n  COLOR_UNSPECIFIED = 0;\n"))
    }
}
