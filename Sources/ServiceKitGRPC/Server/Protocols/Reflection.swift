internal import ServiceKitProtobuf
internal import SwiftProtobuf

/// The answers of reflection to one stream of requests. It sends each file once.
struct Reflection {
    private let services: [String]
    private let pool: DescriptorPool
    private var sentFiles: Set<String> = []

    /// - Parameters:
    ///   - services: The full names of the services that are served, sorted.
    ///   - pool: The files that declare them.
    init(services: [String], pool: DescriptorPool) {
        self.services = services
        self.pool = pool
    }

    /// Answers a request.
    mutating func response(
        to request: Grpc_Reflection_V1_ServerReflectionRequest
    ) -> Grpc_Reflection_V1_ServerReflectionResponse {
        var response = Grpc_Reflection_V1_ServerReflectionResponse()
        response.validHost = request.host
        response.originalRequest = request
        response.messageResponse = answer(to: request)
        return response
    }

    private mutating func answer(
        to request: Grpc_Reflection_V1_ServerReflectionRequest
    ) -> Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse {
        switch request.messageRequest {
        case .listServices:
            return .listServicesResponse(.with { $0.service = services.map { name in .with { $0.name = name } } })
        case .fileByFilename(let name):
            return files(pool.file(name), "no file \"\(name)\"")
        case .fileContainingSymbol(let symbol):
            return files(pool.file(declaring: symbol), "no symbol \"\(symbol)\"")
        case .fileContainingExtension(let wanted):
            return files(
                pool.file(declaringExtension: wanted.extensionNumber, of: wanted.containingType),
                "no extension \(wanted.extensionNumber) of \"\(wanted.containingType)\""
            )
        case .allExtensionNumbersOfType(let type):
            guard let numbers = pool.extensionNumbers(of: type) else { return .notFound("no message \"\(type)\"") }
            return .allExtensionNumbersResponse(
                .with {
                    $0.baseTypeName = type
                    $0.extensionNumber = numbers
                }
            )
        case nil:
            return .error(.invalidArgument, "the request asks for nothing")
        }
    }

    /// A file and its imports that were not sent yet. The requested file itself is sent in any case.
    private mutating func files(
        _ file: Google_Protobuf_FileDescriptorProto?,
        _ missing: String
    ) -> Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse {
        guard let file else { return .notFound(missing) }
        do {
            let imported = pool.closure(of: file).filter { $0.name != file.name && sentFiles.insert($0.name).inserted }
            sentFiles.insert(file.name)
            let serialized = try ([file] + imported).map { file in try file.serializedData() }
            return .fileDescriptorResponse(.with { $0.fileDescriptorProto = serialized })
        } catch {
            return .error(.internalError, "\(file.name) cannot be written: \(error)")
        }
    }
}

extension Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse {
    /// Codes of gRPC that are used here.
    fileprivate enum Code: Int32 {
        case invalidArgument = 3
        case notFound = 5
        case internalError = 13
    }

    fileprivate static func notFound(_ message: String) -> Self {
        .error(.notFound, message)
    }

    fileprivate static func error(_ code: Code, _ message: String) -> Self {
        .errorResponse(
            .with {
                $0.errorCode = code.rawValue
                $0.errorMessage = message
            }
        )
    }
}
