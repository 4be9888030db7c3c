import ServiceKitProtobuf
import SwiftProtobuf
import Testing

/// The option `google.api.http`, written by hand as `protoc` would.
@Suite struct HTTPRuleTests {
    private typealias Wire = ValidationRulesTests.Wire

    private func pool(_ option: [UInt8]?, isSafe: Bool = false) throws -> DescriptorPool {
        var method = Google_Protobuf_MethodDescriptorProto()
        (method.name, method.inputType, method.outputType) = ("Get", ".a.In", ".a.Out")
        if let option { method.options = try .init(serializedBytes: Wire.bytes(72_295_728, option)) }
        if isSafe { method.options.idempotencyLevel = .noSideEffects }
        var service = Google_Protobuf_ServiceDescriptorProto()
        (service.name, service.method) = ("S", [method])
        var file = Google_Protobuf_FileDescriptorProto()
        (file.name, file.package, file.service) = ("a.proto", "a", [service])
        return try DescriptorPool([file])
    }

    @Test func rulesWithAdditionalBindings() throws {
        let additional = Wire.text(4, "/v2/x") + Wire.text(7, "*") + Wire.bytes(11, Wire.text(2, "/no"))
        let option =
            Wire.text(1, "ignored") + Wire.text(2, "/v1/{id}") + Wire.text(12, "user") + Wire.bytes(11, additional)
            + Wire.bytes(11, Wire.bytes(8, Wire.text(1, "HEAD") + Wire.text(2, "/v3")))
        let rules = try pool(option).httpRules(of: "Get", in: "a.S")
        #expect(
            rules == [
                HTTPRule("GET", "/v1/{id}", responseBody: "user"), HTTPRule("POST", "/v2/x", body: "*"),
                HTTPRule("HEAD", "/v3"),
            ])
        for (number, method) in [(2, "GET"), (3, "PUT"), (4, "POST"), (5, "DELETE"), (6, "PATCH")] as [(Int32, String)]
        {
            #expect(try pool(Wire.text(number, "/")).httpRules(of: "Get", in: "a.S") == [HTTPRule(method, "/")])
        }
    }

    @Test func methodsWithoutRules() throws {
        #expect(try pool(nil).httpRules(of: "Get", in: "a.S") == [])
        #expect(try pool(nil).httpRules(of: "Other", in: "a.S") == [])
        #expect(try pool(nil).httpRules(of: "Get", in: "a.T") == [])
        #expect(try !pool(nil).hasNoSideEffects("Get", in: "a.S"))
        #expect(try pool(nil, isSafe: true).hasNoSideEffects("Get", in: "a.S"))
    }

    @Test func mistakesNameTheMethod() throws {
        #expect(throws: DescriptorError("a.S.Get: the option google.api.http has a rule without a path")) {
            try pool(Wire.text(7, "*")).httpRules(of: "Get", in: "a.S")
        }
        #expect(
            throws: DescriptorError(
                "a.S.Get: the option google.api.http cannot be read: the message ends in the middle of a field")
        ) { try pool([0x12, 9]).httpRules(of: "Get", in: "a.S") }
    }
}
