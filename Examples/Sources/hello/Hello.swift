import GRPCCore
import HelloAPI
import ServiceKit
import ServiceKitGRPC
import ServiceKitHTTP

/// The smallest service. It is registered as `hello`, and answers gRPC and HTTP on one port.
@main struct Hello {
    static func main() async {
        await App.run(plugins: [.http]) { app in
            app.serve(HelloProvider(), descriptors: helloDescriptors)
        }
    }
}

/// `hello.v1.Hello`.
struct HelloProvider: Hello_V1_Hello.SimpleServiceProtocol {
    func sayHello(request: Hello_V1_HelloRequest, context: ServerContext) async throws -> Hello_V1_HelloReply {
        guard !request.name.isEmpty else {
            throw ServiceError(.badRequest, reason: "NAME_MISSING", message: "a greeting needs a name")
        }
        return .with { $0.text = "Hello, \(request.name)!" }
    }
}
