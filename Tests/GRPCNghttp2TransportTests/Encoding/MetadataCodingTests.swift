import GRPCCore
import Logging
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite struct MetadataCodingTests {
    private func encode(_ metadata: Metadata) throws -> HeaderBlock {
        var block = HeaderBlock()
        try block.append(metadata)
        return block
    }

    private func decode(_ fields: KeyValuePairs<String, String>) throws -> Metadata {
        var metadata = Metadata()
        try HeaderBlock(fields).forEach { name, value in
            if !HeaderName.isReserved(name) {
                try metadata.add(name: name, value: value)
            }
        }
        return metadata
    }

    @Test func metadataIsDecodedAsItWasEncoded() throws {
        let metadata: Metadata = [
            "text": "value", "text": "other value", "empty": "", "x-bin": .binary([0, 255, 1]), "y-bin": .binary([]),
        ]
        var decoded = Metadata()
        try encode(metadata).forEach { name, value in try decoded.add(name: name, value: value) }
        #expect(decoded == metadata)
    }

    @Test func keysAreWrittenInLowerCase() throws {
        #expect(try encode(["X-Mixed": "1"]).fields == ["x-mixed": "1"])
    }

    @Test(arguments: [
        ":path", "te", "content-type", "grpc-status", "grpc-message", "grpc-encoding", "connection", "host",
        "Content-Type", "user-agent", "transfer-encoding", "",
    ])
    func reservedHeadersAreNotSent(_ key: String) throws {
        #expect(try encode(Metadata([(key: key, value: .string("x"))])).count == 0)
    }

    @Test(arguments: [
        ":status", "te", "content-type", "grpc-status", "grpc-message", "grpc-encoding", "grpc-accept-encoding",
    ])
    func reservedHeadersAreNotReceived(_ name: String) throws {
        #expect(try decode([name: "x", "other": "y"]) == ["other": "y"])
    }

    @Test func otherGRPCKeysAreSent() throws {
        let metadata: Metadata = [
            "grpc-timeout": "1S", "grpc-previous-rpc-attempts": "1", "grpc-status-details-bin": .binary([1]),
        ]
        #expect(try encode(metadata).count == 3)
    }

    @Test func joinedBinaryValuesAreSplit() throws {
        let metadata = try decode(["x-bin": "AQ==, Ag,,Aw"])
        #expect(Array(metadata[binaryValues: "x-bin"]) == [[1], [2], [], [3]])
    }

    @Test func whiteSpaceAroundAValueIsDropped() throws {
        #expect(try encode(["a": "  b c "]).fields == ["a": "b c"])
        #expect(try encode(["a": "   "]).fields == ["a": ""])
    }

    @Test(arguments: [("key", "grün"), ("key", "a\nb"), ("ke y", "x"), ("kéy", "x"), ("a:b", "x")])
    func unsendableHeaderIsRefusedByName(_ key: String, _ value: String) throws {
        let error = #expect(throws: MetadataError.self) {
            try encode(Metadata([(key: key, value: .string(value))]))
        }
        #expect(error?.description.contains("\"\(key)\"") == true)
    }

    @Test func invalidBase64InABinaryHeaderIsAnError() {
        #expect(throws: MetadataError.self) { try decode(["x-bin": "*"]) }
    }
}

@Suite struct RequestHeadTests {
    private static func block(_ fields: KeyValuePairs<String, String> = [:]) -> HeaderBlock {
        var block = HeaderBlock([
            ":method": "POST", ":path": "/p.S/M", "content-type": "application/grpc", "te": "trailers",
        ])
        for (name, value) in fields {
            block.append(name: name, value: value)
        }
        return block
    }

    @discardableResult
    private static func head(
        _ fields: KeyValuePairs<String, String>,
        readableEncodings: MessageEncodings = .init([.gzip])
    ) throws(RequestHead.Rejection) -> RequestHead {
        try RequestHead(Self.block(fields), readableEncodings: readableEncodings)
    }

    @Test func requestEncodingsAreRead() throws {
        let head = try Self.head(["grpc-encoding": "gzip", "grpc-accept-encoding": "identity, deflate,br"])
        #expect(head.encoding == .gzip)
        #expect(head.acceptedEncodings == MessageEncodings([.deflate]))
        #expect(head.metadata.isEmpty)
        #expect(try Self.head([:]).encoding == .identity)
        #expect(try Self.head([:]).acceptedEncodings == MessageEncodings())
    }

    @Test(arguments: ["deflate", "br", "GZIP", ""])
    func unacceptedRequestEncodingIsRefused(_ encoding: String) {
        let rejection = #expect(throws: RequestHead.Rejection.self) { try Self.head(["grpc-encoding": encoding]) }
        #expect(rejection?.response.fields["grpc-status"] == "12")
        #expect(rejection?.response.fields["grpc-accept-encoding"] == "identity,gzip")
    }

    @Test func requestHeadIsRead() throws {
        let head = try Self.head(["user-agent": "me", "grpc-timeout": "2S"])
        #expect(head.path == "/p.S/M")
        #expect(head.timeout == .seconds(2))
        #expect(head.metadata == ["user-agent": "me", "grpc-timeout": "2000000u"])
    }

    @Test(arguments: ["application/grpc+proto", "application/grpc;charset=utf-8", "application/grpc"])
    func grpcContentTypesAreRecognized(_ type: String) {
        #expect(type.withBytes(RequestHead.isGRPC))
    }

    @Test(arguments: ["application/grpcweb", "application/grpc-web", "text/plain", ""])
    func otherContentTypesAreNotGRPC(_ type: String) {
        #expect(!type.withBytes(RequestHead.isGRPC))
    }

    @Test(arguments: ["-1S", "1", "x"])
    func malformedTimeoutIsRefused(_ timeout: String) {
        let rejection = #expect(throws: RequestHead.Rejection.self) {
            try Self.head(["grpc-timeout": timeout])
        }
        #expect(rejection?.response.fields["grpc-status"] == "13")
    }

    @Test func methodIsFoundByItsPath() throws {
        let known = MethodDescriptor(fullyQualifiedService: "p.S", method: "M", type: .unary)
        let service = ServedMethods(methods: [known], config: .defaults, hook: nil) {
            _, _ in
        }
        #expect(try service.method(path: "/p.S/M").descriptor == known)
        #expect(
            try service.method(path: "/p.S/N").descriptor == MethodDescriptor(fullyQualifiedService: "p.S", method: "N")
        )
        for path in ["", "/", "/p.S", "/p.S/", "p.S/M", "/p.S/M/", "*"] {
            #expect(throws: RequestHead.Rejection.self) { try service.method(path: path) }
        }
    }
}
