import GRPCCore
import GRPCProtobuf
import ServiceKit
import ServiceKitGRPC
import SwiftProtobuf

/// The service of the comparison with Envoy's transcoder: most of its methods answer with their requests.
struct TranscodeService: RegistrableRPCService {
    static let name = "transcode.v1.Transcode"

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        register("Echo", on: &router) { (all: Transcode_V1_All) in [all] }
        register("Fail", on: &router) { (all: Transcode_V1_All) -> [Transcode_V1_All] in throw Self.error(all) }
        register("Refuse", on: &router) { (_: Transcode_V1_All) -> [Transcode_V1_All] in
            throw ServiceError(
                .notFound, reason: "NOT_THERE", message: "it is not there", metadata: ["id": "9"],
                violations: [.init(field: "an_int32", description: "it is odd")])
        }
        register("List", on: &router) { (all: Transcode_V1_All) -> [Transcode_V1_All] in
            (0..<min(max(all.anInt32, 0), 100)).map { number in .with { $0.anInt64 = Int64(number) } }
        } end: { all in
            if all.aBool { throw RPCError(code: .dataLoss, message: "the end is lost") }
        }
        register("Raw", on: &router) { (body: Google_Api_HttpBody) in [body] }
        register("Upload", on: &router) { (file: Transcode_V1_File) in [file.content] }
        register("Download", on: &router) { (file: Transcode_V1_File) -> [Google_Api_HttpBody] in
            [.with { ($0.contentType, $0.data) = ("text/x-name", .init(file.name.utf8)) }]
        }
        register("Describe", on: &router) { (file: Transcode_V1_File) in [file] }
        register("Content", on: &router) { (file: Transcode_V1_File) in [file] }
        register("Nothing", on: &router) { (nothing: Google_Protobuf_Empty) in [nothing] }
    }

    /// The error with the status `an_int32`.
    private static func error(_ all: Transcode_V1_All) -> RPCError {
        let code = Status.Code(rawValue: Int(all.anInt32)).flatMap { RPCError.Code($0) }
        return RPCError(code: code ?? .unknown, message: all.aString)
    }

    /// Registers a method that answers with some messages, and then ends or fails.
    private func register<Request: Message, Response: Message>(
        _ name: String,
        on router: inout RPCRouter<some ServerTransport>,
        _ answers: @escaping @Sendable (Request) throws -> [Response],
        end: @escaping @Sendable (Request) throws -> Void = { _ in }
    ) {
        router.registerHandler(
            forMethod: MethodDescriptor(fullyQualifiedService: Self.name, method: name),
            deserializer: ProtobufDeserializer<Request>(), serializer: ProtobufSerializer<Response>()
        ) { request, _ in
            let request = try await ServerRequest(stream: request).message
            let answers = try answers(request)
            return StreamingServerResponse { writer in
                for answer in answers { try await writer.write(answer) }
                try end(request)
                return [:]
            }
        }
    }
}
