import Foundation
import ServiceKitSampleAPI
import SwiftProtobuf
import Testing

/// The descriptors of users, with paths.
func userRESTDescriptors() throws -> String {
    let rules: [String: [UInt8]] = [
        "GetUser": rule(2, "/v1/users/{id}"),
        "CreateUser": rule(4, "/v1/users", body: "*"),
        "ListUsers": rule(2, "/v1/users"),
        "WatchUsers": rule(2, "/v1/users:watch"),
    ]
    let data = try #require(Data(base64Encoded: userDescriptors))
    var set = try Google_Protobuf_FileDescriptorSet(serializedBytes: data)
    for file in set.file.indices {
        for service in set.file[file].service.indices {
            for index in set.file[file].service[service].method.indices {
                let name = set.file[file].service[service].method[index].name
                guard let rule = rules[name] else { continue }
                // Field 72295728, `google.api.http`.
                let option: [UInt8] = [0x82, 0xd3, 0xe4, 0x93, 0x02, UInt8(rule.count)] + rule
                try set.file[file].service[service].method[index].options.merge(serializedBytes: option)
            }
        }
    }
    return try (set.serializedBytes() as Data).base64EncodedString()
}

private func rule(_ number: UInt8, _ path: String, body: String = "") -> [UInt8] {
    var bytes = [number << 3 | 2, UInt8(path.utf8.count)] + path.utf8
    if !body.isEmpty { bytes += [7 << 3 | 2, UInt8(body.utf8.count)] + body.utf8 }
    return bytes
}
