import Foundation
import Testing

@testable import ServiceKit

/// Instances in the form of other frameworks: an unreadable part leaves the others readable.
@Suite struct ForeignInstanceTests {
    private static func read(_ json: String) throws -> ServiceInstance {
        try JSONDecoder().decode(ServiceInstance.self, from: Data(json.utf8))
    }

    @Test func anEndpointThatCannotBeReadIsKeptApart() throws {
        let instance = try Self.read(
            """
            {"id":"m1","name":"user","endpoints":["https://api.example.com","grpc://127.0.0.1:9000",7,"amqp://u:p@h:5672/"]}
            """
        )
        #expect(instance.endpoints == [Endpoint(scheme: "grpc", host: "127.0.0.1", port: 9000)])
        #expect(instance.unreadableEndpoints == ["https://api.example.com", "7", "amqp://u:***@h:5672/"])
        #expect(instance.endpoint(schemes: ["https", "amqp"]) == nil)
        for text in ["\(instance)", "\(instance as Any)", String(reflecting: instance)] {
            #expect(!text.contains("u:p@"), "\(text)")
        }
    }

    @Test func unreadableEndpointsAreKept() throws {
        let instance = try Self.read(
            #"{"id":"m1","name":"user","endpoints":["amqp://u:p@h:5672/","grpc://127.0.0.1:9000"]}"#
        )
        let data = try JSONEncoder().encode(instance)
        #expect(try JSONDecoder().decode(ServiceInstance.self, from: data) == instance)
        #expect(String(decoding: data, as: UTF8.self).replacing("\\/", with: "/").contains("amqp://u:p@h:5672/"))
        #expect(instance != ServiceInstance(id: "m1", name: "user", endpoints: instance.endpoints))
    }

    @Test(arguments: [
        #"{"id":"a","name":"user","endpoints":"grpc://127.0.0.1:9000"}"#,
        #"{"id":"a","name":"user","version":{"major":1},"endpoints":["grpc://127.0.0.1:9000",null,{"port":1},["x"]]}"#,
        #"{"id":"a","name":"user","metadata":["x"],"endpoints":["grpc://127.0.0.1:9000"]}"#,
        #"{"id":"a","name":"user","metadata":"x","endpoints":["grpc://127.0.0.1:9000"]}"#,
        #"{"id":"a","name":"user","metadata":{"x":null,"y":{"z":1},"t":[1]},"endpoints":["grpc://127.0.0.1:9000"]}"#,
    ])
    func malformedFieldsAreLeftOut(_ json: String) throws {
        var expected = instance("a", version: "")
        expected.endpoints = [Endpoint(scheme: "grpc", host: "127.0.0.1", port: 9000)]
        #expect(try Self.read(json) == expected)
    }

    @Test func numbersAndTruthValuesAreText() throws {
        let instance = try Self.read(
            #"{"id":17,"name":"user","version":2,"metadata":{"weight":50,"canary":true,"load":0.5,"big":18446744073709551615}}"#
        )
        #expect(instance.id == "17")
        #expect(instance.version == "2")
        #expect(instance.weight == 50)
        #expect(
            instance.metadata == ["weight": "50", "canary": "true", "load": "0.5", "big": "18446744073709551615"]
        )
    }

    @Test(arguments: [
        #"{"name":"user"}"#, #"{"id":"a"}"#, #"{"id":null,"name":"user"}"#, #"{"id":{},"name":"user"}"#, "[]", "1",
    ])
    func invalidEntryThrowsADecodingError(_ json: String) {
        #expect(throws: DecodingError.self) { try Self.read(json) }
    }

    @Test func noErrorShowsAPassword() {
        let text = "amqp://u:p@h:5672/"
        #expect(RegistryError(code: .unavailable, message: "no \(text)").message == "no amqp://u:***@h:5672/")
        #expect(AppError("no \(text)").message == "no amqp://u:***@h:5672/")
        let error = #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Endpoint].self, from: Data("[\"u:p@h:x\"]".utf8))
        }
        #expect(error.map { "\($0)" }?.contains("u:***@h:x") == true)
    }
}
