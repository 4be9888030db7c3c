import ServiceKitTestSupport
import SwiftProtobufPluginLibrary
import Testing

@testable import ServiceKitCommand

/// The direct handlers and stubs that kit generates.
@Suite(.timeLimit(.minutes(1)), .protoc)
struct DirectFileTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// The code of `test.proto`.
    private func code(_ proto: String, modules: [String: String] = [:]) async throws -> String? {
        try directory.write(proto, to: "test.proto")
        let path = ProtoPath([.init(path: directory.path, origin: .api)] + ProtoPath.wellKnown)
        let names = SwiftNames(try await ProtoCompiler(path: path).parse(["test.proto"]).files)
        let mappings = try ProtoFileToModuleMappings(moduleMappingsProto: ProtoGenerator.mappings(modules))
        return try names.directCode(of: "test.proto", modules: mappings)
    }

    /// The lines of the code that are no comments, without indentation.
    private func lines(_ proto: String, modules: [String: String] = [:]) async throws -> [String] {
        try #require(try await code(proto, modules: modules)).split(separator: "\n")
            .map { String($0.drop { $0 == " " }) }.filter { !$0.hasPrefix("//") }
    }

    @Test func aServiceOfAllKindsOfCalls() async throws {
        let code = try await code(
            """
            syntax = "proto3";
            package a.v1;
            // Numbers.
            service Numbers {
              // One number.
              //
              // Of a kind.
              rpc Get(Query.Kind) returns (Number);
              rpc Add(stream Number) returns (Sum); // Adds them.
              rpc List(Query) returns (stream Number);
              rpc Double(stream Number) returns (stream Number);
            }
            message Number {}
            message Sum {}
            message Query { message Kind {} }
            """)
        #expect(code == Self.numbers)
    }

    @Test func aFileWithoutServicesHasNoCode() async throws {
        #expect(try await code("syntax = \"proto3\"; message M {}") == nil)
    }

    @Test func aServiceWithoutMethods() async throws {
        let lines = try await lines("syntax = \"proto3\"; package a; service Empty {}")
        #expect(lines.contains("serve(service, descriptors: descriptors) { _ in }"))
        #expect(lines.filter { $0.contains("import") } == ["public import ServiceKit", "public import ServiceKitGRPC"])
    }

    @Test func methodsWithKeywordsAsNames() async throws {
        let code = try #require(
            try await code(
                """
                syntax = "proto3";
                package a;
                service Odd {
                  rpc Init(M) returns (M);
                  rpc Type(M) returns (stream M);
                  rpc Channel(M) returns (M);
                  rpc GetUser(M) returns (M);
                  rpc getUser(M) returns (M);
                  rpc HTTPStatus(M) returns (M);
                }
                message M {}
                """))
        #expect(!code.contains("itMethod"))
        #expect(code.contains("/// Calls `Init`.\n"))
        let methods = code.split(separator: "methods.").dropFirst().map { $0.split(separator: "}")[0] }.map {
            $0.split { $0.isNewline || $0 == " " }.joined(separator: " ")
        }
        #expect(
            methods == [
                "unary(A_Odd.Method.Init.descriptor) { try await service.`init`(request: $0, context: $1)",
                "serverStreaming(A_Odd.Method.TypeMethod.descriptor) { try await service.type(request: $0, response: $1, context: $2)",
                "unary(A_Odd.Method.Channel.descriptor) { try await service.channel(request: $0, context: $1)",
                "unary(A_Odd.Method.GetUser.descriptor) { try await service.GetUser(request: $0, context: $1)",
                "unary(A_Odd.Method.getUser.descriptor) { try await service.getUser(request: $0, context: $1)",
                "unary(A_Odd.Method.HTTPStatus.descriptor) { try await service.httpStatus(request: $0, context: $1)",
            ]
        )
        #expect(code.contains("public func `init`(\n"))
        #expect(code.contains("public func `init`<Result: Sendable>(\n"))
    }

    @Test func aFileWithoutAPackage() async throws {
        let plain = try await lines("syntax = \"proto3\"; service S { rpc Get(M) returns (M); } message M {}")
        #expect(plain.contains("extension S {"))
        #expect(plain.contains("_ message: M,"))
        for name in ["Stub", "App", "ServiceKit", "ServiceChannel"] {
            let hidden = try await lines(
                "syntax = \"proto3\"; service S { rpc Get(\(name)) returns (\(name)); } message \(name) {}")
            #expect(hidden.contains("extension Test_S {"), "\(name)")
            #expect(hidden.contains("_ message: Test_\(name),"), "\(name)")
        }
    }

    @Test func messagesOfOtherModulesAreImported() async throws {
        try directory.write("syntax = \"proto3\"; package b; message B {}", to: "b.proto")
        try directory.write("syntax = \"proto3\"; package c; import public \"b.proto\"; message C {}", to: "c.proto")
        try directory.write("syntax = \"proto3\"; package d; message D {}", to: "d.proto")
        let proto = """
            syntax = "proto3";
            package a;
            import "c.proto";
            import "d.proto";
            import "google/protobuf/empty.proto";
            service S { rpc Get(b.B) returns (google.protobuf.Empty); }
            message M { d.D d = 1; }
            """
        let modules = ["b.proto": "BAPI", "c.proto": "CAPI", "d.proto": "DAPI"]
        let lines = try await lines(proto, modules: modules)
        #expect(
            lines.filter { $0.contains("import") } == [
                "public import BAPI", "public import GRPCCore", "internal import GRPCProtobuf",
                "public import ServiceKit",
                "public import ServiceKitGRPC", "public import SwiftProtobuf",
            ]
        )
        #expect(lines.contains("_ message: BAPI.B_B,"))
        #expect(lines.contains(") async throws -> SwiftProtobuf.Google_Protobuf_Empty {"))
        // In one module, no name needs a module.
        let own = try await self.lines(proto)
        #expect(own.contains("_ message: B_B,"))
    }

    private static let numbers = #"""
        // DO NOT EDIT.
        // swift-format-ignore-file
        //
        // Generated by protoc-gen-servicekit, which is part of kit.
        // Source: test.proto

        public import GRPCCore
        internal import GRPCProtobuf
        public import ServiceKit
        public import ServiceKitGRPC

        // MARK: - a.v1.Numbers

        extension ServiceKit.App {
            /// Serves `a.v1.Numbers`. A call goes straight to the function of the service, not through GRPCCore's router.
            ///
            /// - Parameters:
            ///   - service: The service.
            ///   - descriptors: The descriptors of the service for server reflection. Default: none.
            public func serve(_ service: some A_V1_Numbers.SimpleServiceProtocol, descriptors: String...) {
                serve(service, descriptors: descriptors) { methods in
                    methods.unary(A_V1_Numbers.Method.Get.descriptor) {
                        try await service.get(request: $0, context: $1)
                    }
                    methods.clientStreaming(A_V1_Numbers.Method.Add.descriptor) {
                        try await service.add(request: $0, context: $1)
                    }
                    methods.serverStreaming(A_V1_Numbers.Method.List.descriptor) {
                        try await service.list(request: $0, response: $1, context: $2)
                    }
                    methods.bidirectionalStreaming(A_V1_Numbers.Method.Double.descriptor) {
                        try await service.double(request: $0, response: $1, context: $2)
                    }
                }
            }
        }

        extension A_V1_Numbers {
            /// Numbers.
            ///
            /// Calls `a.v1.Numbers` straight through a channel. ``Client`` has these calls through GRPCCore.
            public struct Stub: Sendable {
                private let channel: ServiceKitGRPC.ServiceChannel

                /// Creates a stub.
                ///
                /// - Parameter channel: The channel of its calls.
                public init(_ channel: ServiceKitGRPC.ServiceChannel) {
                    self.channel = channel
                }

                /// One number.
                ///
                /// Of a kind.
                ///
                /// - Parameters:
                ///   - message: The request.
                ///   - metadata: The metadata of the request. Default: none.
                ///   - options: The options of the call. The channel has a retry policy of its own.
                /// - Returns: The response.
                /// - Throws: `RPCError` if the call fails.
                nonisolated(nonsending) public func get(
                    _ message: A_V1_Query.Kind,
                    metadata: GRPCCore.Metadata = [:],
                    options: GRPCCore.CallOptions = .defaults
                ) async throws -> A_V1_Number {
                    try await channel.unary(
                        message,
                        A_V1_Numbers.Method.Get.descriptor,
                        serializer: GRPCProtobuf.ProtobufSerializer(),
                        deserializer: GRPCProtobuf.ProtobufDeserializer(),
                        metadata: metadata,
                        options: options
                    )
                }

                /// One number.
                ///
                /// Of a kind.
                ///
                /// - Parameters:
                ///   - message: The request.
                ///   - metadata: The metadata of the request. Default: none.
                ///   - options: The options of the call. The channel has a retry policy of its own.
                ///   - handleResponse: Gets the response. When the closure returns, the call ends.
                /// - Returns: The result of the closure.
                /// - Throws: The error of the closure.
                nonisolated(nonsending) public func get<Result: Sendable>(
                    _ message: A_V1_Query.Kind,
                    metadata: GRPCCore.Metadata = [:],
                    options: GRPCCore.CallOptions = .defaults,
                    onResponse handleResponse: nonisolated(nonsending) (GRPCCore.ClientResponse<A_V1_Number>) async throws -> Result
                ) async throws -> Result {
                    try await channel.unary(
                        message,
                        A_V1_Numbers.Method.Get.descriptor,
                        serializer: GRPCProtobuf.ProtobufSerializer(),
                        deserializer: GRPCProtobuf.ProtobufDeserializer(),
                        metadata: metadata,
                        options: options,
                        onResponse: handleResponse
                    )
                }

                /// Adds them.
                ///
                /// - Parameters:
                ///   - metadata: The metadata of the request. Default: none.
                ///   - options: The options of the call. The channel has a retry policy of its own.
                ///   - requestProducer: Writes the requests. They end when it returns.
                ///   - handleResponse: Gets the response. When the closure returns, the call ends.
                /// - Returns: The result of the closure.
                /// - Throws: The error of the closure.
                nonisolated(nonsending) public func add<Result: Sendable>(
                    metadata: GRPCCore.Metadata = [:],
                    options: GRPCCore.CallOptions = .defaults,
                    requestProducer: @escaping @Sendable (GRPCCore.RPCWriter<A_V1_Number>) async throws -> Void,
                    onResponse handleResponse: nonisolated(nonsending) (GRPCCore.ClientResponse<A_V1_Sum>) async throws -> Result = { try $0.message }
                ) async throws -> Result {
                    try await channel.clientStreaming(
                        A_V1_Numbers.Method.Add.descriptor,
                        serializer: GRPCProtobuf.ProtobufSerializer(),
                        deserializer: GRPCProtobuf.ProtobufDeserializer(),
                        metadata: metadata,
                        options: options,
                        requestProducer: requestProducer,
                        onResponse: handleResponse
                    )
                }

                /// Calls `List`.
                ///
                /// - Parameters:
                ///   - message: The request.
                ///   - metadata: The metadata of the request. Default: none.
                ///   - options: The options of the call. The channel has a retry policy of its own.
                /// - Returns: The responses. Each loop over them makes a call.
                public func list(
                    _ message: A_V1_Query,
                    metadata: GRPCCore.Metadata = [:],
                    options: GRPCCore.CallOptions = .defaults
                ) -> ServiceKitGRPC.ResponseStream<A_V1_Number> {
                    channel.serverStreaming(
                        message,
                        A_V1_Numbers.Method.List.descriptor,
                        serializer: GRPCProtobuf.ProtobufSerializer(),
                        deserializer: GRPCProtobuf.ProtobufDeserializer(),
                        metadata: metadata,
                        options: options
                    )
                }

                /// Calls `List`.
                ///
                /// - Parameters:
                ///   - message: The request.
                ///   - metadata: The metadata of the request. Default: none.
                ///   - options: The options of the call. The channel has a retry policy of its own.
                ///   - handleResponse: Gets the response. When the closure returns, the call ends.
                /// - Returns: The result of the closure.
                /// - Throws: The error of the closure.
                nonisolated(nonsending) public func list<Result: Sendable>(
                    _ message: A_V1_Query,
                    metadata: GRPCCore.Metadata = [:],
                    options: GRPCCore.CallOptions = .defaults,
                    onResponse handleResponse: nonisolated(nonsending) (GRPCCore.StreamingClientResponse<A_V1_Number>) async throws -> Result
                ) async throws -> Result {
                    try await channel.serverStreaming(
                        message,
                        A_V1_Numbers.Method.List.descriptor,
                        serializer: GRPCProtobuf.ProtobufSerializer(),
                        deserializer: GRPCProtobuf.ProtobufDeserializer(),
                        metadata: metadata,
                        options: options,
                        onResponse: handleResponse
                    )
                }

                /// Calls `Double`.
                ///
                /// - Parameters:
                ///   - metadata: The metadata of the request. Default: none.
                ///   - options: The options of the call. The channel has a retry policy of its own.
                ///   - requestProducer: Writes the requests. They end when it returns.
                ///   - handleResponse: Gets the response. When the closure returns, the call ends.
                /// - Returns: The result of the closure.
                /// - Throws: The error of the closure.
                nonisolated(nonsending) public func double<Result: Sendable>(
                    metadata: GRPCCore.Metadata = [:],
                    options: GRPCCore.CallOptions = .defaults,
                    requestProducer: @escaping @Sendable (GRPCCore.RPCWriter<A_V1_Number>) async throws -> Void,
                    onResponse handleResponse: nonisolated(nonsending) (GRPCCore.StreamingClientResponse<A_V1_Number>) async throws -> Result
                ) async throws -> Result {
                    try await channel.bidirectionalStreaming(
                        A_V1_Numbers.Method.Double.descriptor,
                        serializer: GRPCProtobuf.ProtobufSerializer(),
                        deserializer: GRPCProtobuf.ProtobufDeserializer(),
                        metadata: metadata,
                        options: options,
                        requestProducer: requestProducer,
                        onResponse: handleResponse
                    )
                }
            }
        }

        """#
}
