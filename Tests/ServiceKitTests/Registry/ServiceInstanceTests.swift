import Foundation
import Testing

@testable import ServiceKit

@Suite struct ServiceInstanceTests {
    @Test(arguments: ["a", "user-service", "A.b_C-9", "0", String(repeating: "x", count: 250)])
    func validNamesAreAccepted(_ name: String) throws {
        try instance(name, of: name).validate()
    }

    @Test(arguments: [
        "", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a\n", "é", "a\u{301}", "a\0", "日本", "²", "a:b/c",
        String(repeating: "x", count: 251),
    ])
    func invalidNamesAreRefused(_ name: String) {
        let asID = #expect(throws: RegistryError.self) { try instance(name).validate() }
        let asName = #expect(throws: RegistryError.self) { try instance("a", of: name).validate() }
        #expect(asID?.code == .invalidInstance)
        #expect(asName?.code == .invalidInstance)
        #expect(asID?.message.contains("of service \"user\" is not valid; use 1 to 250 of a-z A-Z 0-9 . _ : -") == true)
        #expect(asName?.message.contains("is not valid; use 1 to 250 of a-z A-Z 0-9 . _ -") == true)
    }

    @Test func colonIsAllowedInIDsOnly() {
        #expect(throws: Never.self) { try instance("10.0.0.7:9000").validate() }
        #expect(throws: RegistryError.self) { try instance("a", of: "user:1").validate() }
    }

    @Test func anEndpointListedTwiceIsRefused() {
        var twice = instance("a")
        twice.endpoints += twice.endpoints
        let error = #expect(throws: RegistryError.self) { try twice.validate() }
        #expect(error?.message == "instance \"a\" of service \"user\" lists an endpoint twice")
    }

    @Test(arguments: [
        (nil, 100), ("7", 7), ("0", 0), ("-1", 100), ("heavy", 100), ("", 100), ("99999999999999999999", 100),
    ])
    func weightIsReadFromItsLabel(_ metadata: String?, _ weight: Int) {
        var weighty = instance("a")
        weighty.metadata["weight"] = metadata
        #expect(weighty.weight == weight)
    }

    @Test func preferredSchemeFindsItsEndpoint() {
        var both = instance("a")
        let (http, grpc) = (Endpoint(scheme: "http", host: "a", port: 1), Endpoint(scheme: "grpc", host: "a", port: 2))
        both.endpoints = [http, grpc]
        #expect(both.endpoint(schemes: ["grpcs", "grpc", "http"]) == grpc)
        #expect(both.endpoint(schemes: ["http"]) == http)
        #expect(both.endpoint(schemes: ["ws"]) == nil)
    }

    @Test(arguments: [
        #"{"id":"a","name":"user"}"#,
        #"{"id":"a","name":"user","version":null,"metadata":null,"endpoints":null}"#,
        #"{"id":"a","name":"user","version":"","metadata":{},"endpoints":[],"more":{"x":1}}"#,
    ])
    func instancesOfOtherFrameworksAreRead(_ json: String) throws {
        let read = try JSONDecoder().decode(ServiceInstance.self, from: Data(json.utf8))
        #expect(read == ServiceInstance(id: "a", name: "user"))
    }

    @Test func encodedInstanceIsReadBack() throws {
        var written = instance("a")
        written.metadata = ["zone": "1"]
        let data = try JSONEncoder().encode(written)
        #expect(try JSONDecoder().decode(ServiceInstance.self, from: data) == written)
    }

    @Test func anUpdateKeepsIDAndName() {
        #expect(throws: Never.self) {
            try instance("a").validateUpdate(to: instance("a", version: "2"), isDeregistered: false)
        }
        for other in [instance("b"), instance("a", of: "admin"), instance("")] {
            let error = #expect(throws: RegistryError.self) {
                try instance("a").validateUpdate(to: other, isDeregistered: false)
            }
            #expect(error?.code == .invalidInstance)
        }
        let error = #expect(throws: RegistryError.self) {
            try instance("a").validateUpdate(to: instance("a"), isDeregistered: true)
        }
        #expect(error?.code == .unsupported)
    }
}
