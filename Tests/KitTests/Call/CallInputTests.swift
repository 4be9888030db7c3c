import ArgumentParser
import Foundation
import GRPCCore
import ServiceKitGRPC
import ServiceKitProtobuf
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

@Suite struct CallInputTests {
    private func pool() throws -> DescriptorPool { try DescriptorPool(base64: [protocolDescriptors]) }

    private func method(_ service: String, _ name: String) throws -> MethodType {
        try #require(try pool().service(service)?.methods.first { $0.name == name })
    }

    @Test func unaryMethodTakesOneMessage() throws {
        let check = try method("grpc.health.v1.Health", "Check")
        let documents = try CallInput.documents(#"{"service": "a"}"#)
        #expect(try CallInput.messages(documents, for: check, in: pool()) == [[0x0A, 1, 0x61]])
        #expect(try CallInput.messages([], for: check, in: pool()) == [[]])
        let error = #expect(throws: CommandFailure.self) {
            try CallInput.messages(try CallInput.documents("{}{}"), for: check, in: pool())
        }
        #expect(error?.description == "Check takes one message, and -d has 2")
    }

    @Test func aStreamOfMessages() throws {
        let info = try method("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo")
        let documents = try CallInput.documents("{\"list_services\": \"*\"}\n{\"fileByFilename\": \"a\"}")
        #expect(try CallInput.messages(documents, for: info, in: pool()) == [[0x3A, 1, 0x2A], [0x1A, 1, 0x61]])
        #expect(try CallInput.messages([], for: info, in: pool()).isEmpty)
    }

    @Test(arguments: [
        (
            #"{"servic": "a"}"#,
            "-d: line 1, column 2: servic: no such field in grpc.health.v1.HealthCheckRequest; it has: service"
        ),
        ("{", "-d: JSON, line 1, column 2: expected a name in double quotes"),
    ])
    func mistakes(json: String, expected: String) throws {
        let check = try method("grpc.health.v1.Health", "Check")
        let error = #expect(throws: CommandFailure.self) {
            try CallInput.messages(try CallInput.documents(json), for: check, in: pool())
        }
        #expect(error?.description == expected)
    }

    @Test func aFile() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("[1]", to: "call.json")
        #expect(try CallInput.documents("@\(path)") == [Array("[1]".utf8)])
        let error = #expect(throws: CommandFailure.self) { try CallInput.documents("@\(path).missing") }
        #expect(error?.description.contains("\(path).missing") == true)
    }

    @Test func headers() throws {
        let metadata = try CallInput.metadata(["X-Tenant: a: b", "trace-bin:AQI=", "empty:"])
        #expect(Array(metadata[stringValues: "x-tenant"]) == ["a: b"])
        #expect(Array(metadata[binaryValues: "trace-bin"]) == [[1, 2]])
        #expect(Array(metadata[stringValues: "empty"]) == [""])
    }

    @Test(arguments: ["", "a", ": b", "ä: b", "a b: c", "grpc-timeout: 1S", "x-bin: !", "x: ä", ":path: /"])
    func badHeaders(header: String) {
        #expect(throws: CommandFailure.self) { try CallInput.metadata([header]) }
    }

    @Test(arguments: [
        (["a/b", "--tls"], false), (["a/b", "--address", "h:1", "--cert", "c"], false),
        (["a", "--list", "--describe"], false),
        (["a/b", "--timeout", "0s"], false), (["a/b", "--timeout", "ten"], false), ([], false),
        (["a/b", "--timeout", "1s", "-H", "a: b", "-d", "{}"], true),
        (["a/b", "--address", "h:1", "--cert", "c", "--key", "k", "--ca", "r", "--server-name", "n"], true),
    ])
    func arguments(arguments: [String], areValid: Bool) {
        let command = try? CallCommand.parse(arguments)
        #expect((command != nil) == areValid)
    }

    @Test(arguments: ["host", "host:0", "host:x", "http://a"])
    func badAddresses(address: String) throws {
        let command = try CallAddress.parse(["--address", address])
        #expect(throws: CommandFailure.self) { try command.transport() }
    }
}
