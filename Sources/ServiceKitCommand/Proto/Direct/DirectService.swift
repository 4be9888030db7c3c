import SwiftProtobufPluginLibrary

/// The direct handlers and the stub of a service.
struct DirectService {
    /// `user.v1.UserService`.
    private let name: String
    /// `User_V1_UserService`.
    private let type: String
    private let access: String
    private let comment: String
    private let methods: [DirectMethod]

    init(_ service: ServiceDescriptor, namer: SwiftProtobufNamer, access: String) {
        let type = namer.typePrefix(forFile: service.file) + service.name
        let names = Set(service.methods.map(\.name))
        name = service.fullName
        self.type = type
        self.access = access
        let comment = service.protoSourceComments()
        self.comment = comment.isEmpty ? "" : "\(comment)///\n"
        methods = service.methods.map {
            DirectMethod($0, named: GRPCMethodName($0.name, among: names), of: type, namer: namer, access: access)
        }
    }

    var text: String {
        """
        // MARK: - \(name)

        extension ServiceKit.App {
            /// Serves `\(name)`. A call goes straight to the function of the service, not through GRPCCore's router.
            ///
            /// - Parameters:
            ///   - service: The service.
            ///   - descriptors: The descriptors of the service for server reflection. Default: none.
            \(access) func serve(_ service: some \(type).SimpleServiceProtocol, descriptors: String...) {
        \(serving.indented(2))
            }
        }

        extension \(type) {
        \("\(comment)/// Calls `\(name)` straight through a channel. ``Client`` has these calls through GRPCCore.".indented(1))
            \(access) struct Stub: Sendable {
                private let channel: ServiceKitGRPC.ServiceChannel

                /// Creates a stub.
                ///
                /// - Parameter channel: The channel of its calls.
                \(access) init(_ channel: ServiceKitGRPC.ServiceChannel) {
                    self.channel = channel
                }
        \(methods.flatMap(\.functions).map { "\n\($0.indented(2))\n" }.joined())\
            }
        }
        """
    }

    private var serving: String {
        if methods.isEmpty { return "serve(service, descriptors: descriptors) { _ in }" }
        return """
            serve(service, descriptors: descriptors) { methods in
            \(methods.map(\.handler).joined(separator: "\n").indented(1))
            }
            """
    }
}

extension String {
    /// The text with each line indented, except empty lines.
    func indented(_ levels: Int) -> String {
        split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : String(repeating: "    ", count: levels) + $0 }.joined(separator: "\n")
    }
}
