internal import SwiftProtobuf

/// One of protobuf's own types whose JSON is special: a `Timestamp` is a string, for example.
struct WellKnownType {
    /// Converts a message from the wire format to JSON.
    let json: @Sendable (_ bytes: [UInt8]) throws -> String
    /// Converts JSON to the wire format.
    let bytes: @Sendable (_ json: String) throws -> [UInt8]

    private init<Known: Message>(_ type: Known.Type) {
        json = { try Known(serializedBytes: $0).jsonString() }
        bytes = { try Known(jsonString: $0).serializedBytes() }
    }

    static let any = "google.protobuf.Any"
    static let value = "google.protobuf.Value"
    static let nullValue = "google.protobuf.NullValue"

    private static let all: [String: WellKnownType] = [
        "google.protobuf.Timestamp": WellKnownType(Google_Protobuf_Timestamp.self),
        "google.protobuf.Duration": WellKnownType(Google_Protobuf_Duration.self),
        "google.protobuf.FieldMask": WellKnownType(Google_Protobuf_FieldMask.self),
        "google.protobuf.Struct": WellKnownType(Google_Protobuf_Struct.self),
        "google.protobuf.Value": WellKnownType(Google_Protobuf_Value.self),
        "google.protobuf.ListValue": WellKnownType(Google_Protobuf_ListValue.self),
        "google.protobuf.DoubleValue": WellKnownType(Google_Protobuf_DoubleValue.self),
        "google.protobuf.FloatValue": WellKnownType(Google_Protobuf_FloatValue.self),
        "google.protobuf.Int64Value": WellKnownType(Google_Protobuf_Int64Value.self),
        "google.protobuf.UInt64Value": WellKnownType(Google_Protobuf_UInt64Value.self),
        "google.protobuf.Int32Value": WellKnownType(Google_Protobuf_Int32Value.self),
        "google.protobuf.UInt32Value": WellKnownType(Google_Protobuf_UInt32Value.self),
        "google.protobuf.BoolValue": WellKnownType(Google_Protobuf_BoolValue.self),
        "google.protobuf.StringValue": WellKnownType(Google_Protobuf_StringValue.self),
        "google.protobuf.BytesValue": WellKnownType(Google_Protobuf_BytesValue.self),
    ]

    /// The well-known type with a full name; `nil` if there is none.
    static func named(_ name: String) -> WellKnownType? { all[name] }
}
