import BenchmarkNotes
import GRPCCore
import GRPCProtobuf
import ServiceKit
import ServiceKitGRPC
import ServiceKitHTTP

/// The service of notes, as generated code registers it.
struct NoteService: RegistrableRPCService {
    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: NoteMethod.echo,
            deserializer: ProtobufDeserializer<Benchmark_V1_Note>(),
            serializer: ProtobufSerializer<Benchmark_V1_Note>()
        ) { request, _ in
            let request = try await ServerRequest(stream: request)
            return StreamingServerResponse(single: ServerResponse(message: request.message))
        }
    }

    /// Adds the service to an App, served directly, and a route that answers with 100 bytes.
    func add(to app: App) {
        app.serve(self, descriptors: [noteDescriptors]) { methods in
            methods.unary(NoteMethod.echo) { (note: Benchmark_V1_Note, _) in note }
        }
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: 100)
        app.http.get("/bytes") { _ in RouteResponse(body: body, contentType: "application/octet-stream") }
    }
}
