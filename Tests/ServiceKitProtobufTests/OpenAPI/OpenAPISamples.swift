import SwiftProtobuf

@testable import ServiceKitProtobuf

/// A shop with each form of a rule, of comments and of validation, written by hand as `protoc` would.
enum OpenAPISamples {
    private typealias Wire = ValidationRulesTests.Wire

    private static let text = """
        name: "shop.proto" package: "shop.v1" syntax: "proto3"
        service {
          name: "Shop"
          method { name: "GetItem" input_type: ".shop.v1.GetItemRequest" output_type: ".shop.v1.Item" }
          method { name: "ListItems" input_type: ".shop.v1.ListRequest" output_type: ".shop.v1.Item" server_streaming: true }
          method { name: "UpdateItem" input_type: ".shop.v1.UpdateRequest" output_type: ".shop.v1.UpdateResponse" options { deprecated: true } }
          method { name: "Upload" input_type: ".google.api.HttpBody" output_type: ".google.api.HttpBody" }
          method { name: "Count" input_type: ".shop.v1.ListRequest" output_type: ".shop.v1.GetItemRequest" }
          method { name: "Watch" input_type: ".shop.v1.ListRequest" output_type: ".shop.v1.Item" server_streaming: true }
          method { name: "Chat" input_type: ".shop.v1.Item" output_type: ".shop.v1.Item" client_streaming: true server_streaming: true }
        }
        message_type {
          name: "GetItemRequest"
          field { name: "id" number: 1 label: LABEL_OPTIONAL type: TYPE_INT64 }
          field { name: "name" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
        }
        message_type {
          name: "ListRequest"
          field { name: "page_size" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 }
          field { name: "tags" number: 2 label: LABEL_REPEATED type: TYPE_STRING }
          field { name: "labels" number: 3 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".shop.v1.ListRequest.LabelsEntry" }
          field { name: "filter" number: 4 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".shop.v1.Filter" }
          field { name: "items" number: 5 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".shop.v1.Item" }
          nested_type {
            name: "LabelsEntry" options { map_entry: true }
            field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
            field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
          }
        }
        message_type {
          name: "Filter"
          field { name: "color" number: 1 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".shop.v1.Color" }
          field { name: "inner" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".shop.v1.Filter" }
        }
        message_type {
          name: "UpdateRequest"
          field { name: "item" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".shop.v1.Item" }
          field { name: "force" number: 2 label: LABEL_OPTIONAL type: TYPE_BOOL }
        }
        message_type {
          name: "UpdateResponse"
          field { name: "item" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".shop.v1.Item" }
        }
        message_type {
          name: "Item"
          field { name: "id" number: 1 label: LABEL_OPTIONAL type: TYPE_INT64 }
          field { name: "name" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
          field { name: "price" number: 3 label: LABEL_OPTIONAL type: TYPE_DOUBLE }
        }
        enum_type {
          name: "Color"
          value { name: "COLOR_UNSPECIFIED" number: 0 }
          value { name: "RED" number: 1 }
        }
        source_code_info {
          location { path: [6, 0] leading_comments: " Things to buy.\\n\\n And more.\\n" }
          location { path: [6, 0, 2, 0] leading_comments: " One item.\\n\\n NOT_FOUND when there is none.\\n" }
          location { path: [6, 0, 2, 4] leading_comments: " How many <b>items</b> there are.\\n" }
          location { path: [4, 1, 2, 0] trailing_comments: " How many at most.\\n" }
          location { path: [4, 5] leading_comments: " A thing.\\n" }
          location { path: [5, 0, 2, 1] leading_comments: " Like fire.\\n" }
        }
        """

    private static let body = """
        name: "google/api/httpbody.proto" package: "google.api" syntax: "proto3"
        message_type {
          name: "HttpBody"
          field { name: "content_type" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
          field { name: "data" number: 2 label: LABEL_OPTIONAL type: TYPE_BYTES }
        }
        """

    /// The rules of `google.api.http`, by method.
    private static let rules: [String: [UInt8]] = [
        "GetItem": Wire.text(2, "/v1/items/{id}")
            + Wire.bytes(11, Wire.text(2, "/v1/{name=shelves/*/items/*}:find"))
            + Wire.bytes(11, Wire.text(4, "/v1/items/{id}:get") + Wire.text(7, "*")),
        "ListItems": Wire.text(2, "/v1/items"),
        "UpdateItem": Wire.text(6, "/v1/items/{item.id}") + Wire.text(7, "item") + Wire.text(12, "item"),
        "Upload": Wire.text(3, "/v1/files/{data=**}") + Wire.text(7, "*"),
        // A stream of requests comes by WebSocket, whose handshake is a GET.
        "Chat": Wire.text(4, "/v1/chat") + Wire.text(7, "*") + Wire.bytes(11, Wire.text(2, "/v1/chat")),
    ]

    static func pool() throws -> DescriptorPool {
        var file = try Google_Protobuf_FileDescriptorProto(textFormatString: text)
        for index in file.service[0].method.indices {
            guard let rule = rules[file.service[0].method[index].name] else { continue }
            try file.service[0].method[index].options.merge(serializedBytes: Wire.bytes(72_295_728, rule))
        }
        // Of names at least 1 character and at most 20; of sizes 0 to 100; of prices more than 0.
        let name = Wire.number(25, 1) + Wire.bytes(14, Wire.number(2, 1) + Wire.number(3, 20))
        try file.messageType[5].field[1].options.merge(serializedBytes: Wire.bytes(1159, name))
        let size = Wire.bytes(3, Wire.number(3, 100) + Wire.number(5, 0))
        try file.messageType[1].field[0].options.merge(serializedBytes: Wire.bytes(1159, size))
        return try DescriptorPool([file, Google_Protobuf_FileDescriptorProto(textFormatString: body)])
    }

    static func document(
        _ json: JSONOptions = JSONOptions(), errors: OpenAPIOptions.Errors = .kratos
    ) throws -> JSONValue {
        let pool = try pool()
        let options = OpenAPIOptions(title: "Shop", version: "1.2", json: json, errors: errors)
        return try OpenAPIDocument(pool, services: pool.ownServices, options: options).json
    }
}

extension JSONValue {
    /// The value at a place; null if there is none.
    func at(_ names: String...) -> JSONValue {
        names.reduce(self) { value, name in
            if case .array(let elements) = value, let index = Int(name) {
                return elements.indices.contains(index) ? elements[index] : .null
            }
            return value[name] ?? .null
        }
    }

    var names: [String] {
        guard case .object(let members) = self else { return [] }
        return members.map(\.name)
    }

    var elements: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }
}
