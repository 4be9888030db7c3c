import ServiceKit
import ServiceKitProtobuf

/// The methods whose descriptors are known, with the converters of their messages.
struct MethodForms: Sendable {
    struct Method: Sendable {
        let type: MethodType
        let json: MessageForm
    }

    private let methods: [String: Method]

    /// - Throws: `AppError` if the type of a message is not known.
    init(_ descriptors: DescriptorPool, _ options: HTTPJSONOptions) throws {
        let tables = MessageTables(descriptors)
        var methods: [String: Method] = [:]
        for service in descriptors.allServices {
            for type in service.methods {
                do throws(DescriptorError) {
                    let json = options.transcoderOptions
                    methods["/\(service.name)/\(type.name)"] = Method(
                        type: type,
                        json: .json(
                            request: try JSONTranscoder(type.input, in: tables, options: json),
                            response: try JSONTranscoder(type.output, in: tables, options: json)
                        )
                    )
                } catch {
                    throw AppError("the descriptors of \(service.name) cannot be used: \(error); generate them again")
                }
            }
        }
        self.methods = methods
    }

    /// The method with a path, `/package.Service/Method`; `nil` if its descriptor is not known.
    subscript(path: String) -> Method? { methods[path] }
}
