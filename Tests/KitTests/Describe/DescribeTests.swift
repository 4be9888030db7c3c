import Foundation
import ServiceKitProtobuf
import ServiceKitTemplates
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// `kit openapi` and `kit routes`, from files.
@Suite(.timeLimit(.minutes(1)), .protoc)
struct DescribeTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write(
            """
            syntax = "proto3";
            package shop.v2;
            import "google/api/annotations.proto";
            import "types.proto";
            // Things to buy.
            service Shop {
              // One item.
              rpc Get(Request) returns (common.Item) { option (google.api.http) = { get: "/v2/items/{id}" }; }
              rpc Chat(stream Request) returns (stream common.Item);
            }
            message Request { int64 id = 1; common.Color color = 2; }
            """, to: "protos/shop.proto")
        try directory.write(
            """
            syntax = "proto3"; package common; message Item { int64 id = 1; }
            enum Color { COLOR_UNSPECIFIED = 0; RED = 1; }
            service Other { rpc Get(Item) returns (Item); }
            """, to: "types/types.proto")
    }

    private func kit(_ arguments: String..., code: Int32 = 0) async throws -> RunningProgram.Result {
        let result = try await Kit.run(arguments)
        #expect(result.exit == .exited(code), "\(result.errors)")
        return result
    }

    private static let table = """
        METHOD  PATH                OPERATION
        GET     /v2/items/{id}      shop.v2.Shop/Get
        POST    /shop.v2.Shop/Chat  shop.v2.Shop/Chat

        """

    @Test func routesOfAFile() async throws {
        let result = try await kit("routes", directory.path("protos/shop.proto"), "-I", directory.path("types"))
        #expect(result.output == Self.table)
    }

    @Test func routesOfADescriptorSet() async throws {
        let set = directory.path("shop.binpb")
        let protoc = try await ToolRun(
            program: "protoc",
            arguments: ["protos", "types"].map { "--proto_path=\(directory.path($0))" }
                + ["--proto_path=\(try #require(Templates.folder("proto")))", "--include_imports"]
                + ["--descriptor_set_out=\(set)", "shop.proto"],
            limit: .seconds(30))()
        #expect(protoc.isSuccess, "\(protoc.errors)")
        let lines = try await kit("routes", set).output.split(separator: "\n")
        // A set has no roots: all its services count.
        #expect(lines.contains("GET     /v2/items/{id}      shop.v2.Shop/Get"))
        #expect(lines.contains("POST    /common.Other/Get   common.Other/Get"))
    }

    @Test func routesOfANewService() async throws {
        try await directory.addService("order-item-service")
        let result = try await kit("routes", directory.path("order-item-service"))
        #expect(
            result.output == """
                METHOD  PATH                  OPERATION
                POST    /v1/order-items       order_item.v1.OrderItemService/CreateOrderItem
                GET     /v1/order-items/{id}  order_item.v1.OrderItemService/GetOrderItem
                GET     /v1/order-items       order_item.v1.OrderItemService/ListOrderItems
                DELETE  /v1/order-items/{id}  order_item.v1.OrderItemService/DeleteOrderItem

                """)
    }

    @Test func documentOfAFile() async throws {
        let file = directory.path("protos/shop.proto")
        let output = try await kit("openapi", file, "-I", directory.path("types")).output
        let document = try JSONParser.parse(output)
        #expect(document["info"] == ["title": "shop.v2.Shop", "version": "v2"])
        #expect(document["paths"]?["/v2/items/{id}"]?["get"]?["summary"] == "One item.")
        #expect(document["paths"]?["/shop.v2.Shop/Chat"] == nil)
        let schemas = document["components"]?["schemas"]
        #expect(schemas?["common.Item"]?["properties"]?["id"]?["type"] == "string")
        #expect(schemas?["common.Color"]?["type"] == "string")
    }

    @Test func formOfTheDocumentIsGivenByOptions() async throws {
        let output = try await kit(
            "openapi", directory.path("protos/shop.proto"), "-I", directory.path("types"), "--title", "Shop",
            "--api-version", "7", "--int64-as-number", "--enums-as-numbers"
        ).output
        let document = try JSONParser.parse(output)
        #expect(document["info"] == ["title": "Shop", "version": "7"])
        let schemas = document["components"]?["schemas"]
        #expect(schemas?["common.Item"]?["properties"]?["id"]?["type"] == "integer")
        #expect(schemas?["common.Color"]?["enum"] == [0, 1])
    }

    @Test func mistakesAreExplained() async throws {
        let missing = try await kit("routes", directory.path("nothing.proto"), code: 1)
        #expect(missing.errors.contains("nothing.proto cannot be read"))
        try directory.write("this is no set", to: "other.binpb")
        let other = try await kit("openapi", directory.path("other.binpb"), code: 1)
        #expect(other.errors.contains("is neither a .proto file nor the output of protoc"), "\(other.errors)")
        try directory.write("syntax = \"proto3\";", to: "empty.proto")
        let empty = try await kit("routes", directory.path("empty.proto"), code: 1)
        #expect(empty.errors.contains("empty.proto has no service with descriptors"))
        try directory.write(
            """
            syntax = "proto3"; import "google/api/annotations.proto"; message M {}
            service S { rpc Get(M) returns (M) { option (google.api.http) = { get: "no/slash" }; } }
            """, to: "wrong.proto")
        for command in ["routes", "openapi"] {
            let wrong = try await kit(command, directory.path("wrong.proto"), code: 1)
            #expect(wrong.errors.contains("S.Get: the path no/slash: it must begin with a slash"), "\(wrong.errors)")
        }
        let both = try await kit("routes", "user-service", "--address", "127.0.0.1:1", code: 64)
        #expect(both.errors.contains("leave out the source"))
    }
}
