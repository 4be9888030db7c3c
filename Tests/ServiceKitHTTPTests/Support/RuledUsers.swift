import ServiceKitProtobuf
import ServiceKitSampleAPI
import SwiftProtobuf
import Testing

/// The sample's descriptors with a rule of `buf.validate`: the name of a user that is created has 2 to 4 characters.
enum RuledUsers {
    static func descriptors() throws -> String {
        let bytes = try #require(Base64.decode(userDescriptors))
        var set = try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes)
        // Field 1159, `buf.validate.field`, with `string: {min_len: 2, max_len: 4}`.
        let options: [UInt8] = [0xba, 0x48, 6, 0x72, 4, 0x10, 2, 0x18, 4]
        for file in set.file.indices {
            for message in set.file[file].messageType.indices
            where set.file[file].messageType[message].name == "CreateUserRequest" {
                set.file[file].messageType[message].field[0].options = try .init(serializedBytes: options)
            }
        }
        return Base64.encode(try set.serializedBytes() as [UInt8])
    }
}
