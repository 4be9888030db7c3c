import ServiceKit
import ServiceKitProtobuf

/// The methods whose descriptors are known, with the converters of their messages.
struct MethodForms: Sendable {
    struct Method: Sendable {
        let type: MethodType
        let json: MessageForm
    }

    private let methods: [String: Method]
    /// Everything that has a path.
    let routes: RouteTable

    /// - Parameters:
    ///   - descriptors: The descriptors of the methods.
    ///   - http: The routes that belong to no method, and the changes of responses.
    ///   - options: The forms of JSON and of errors.
    ///   - maxMessageBytes: The largest message that is accepted.
    /// - Throws: `AppError` if the type of a message is not known, a rule of `google.api.http` or a path is wrong, or two
    ///   routes have the same paths.
    init(
        _ descriptors: DescriptorPool, _ http: HTTPRoutes, _ options: HTTPOptions, maxMessageBytes: Int
    ) throws {
        let tables = MessageTables(descriptors)
        var methods: [String: Method] = [:]
        var routes = RouteTable()
        for service in descriptors.allServices.sorted(by: { $0.name < $1.name }) {
            for type in service.methods {
                do {
                    let operation = "/\(service.name)/\(type.name)"
                    var json = options.json(of: operation).transcoderOptions
                    // A response may be as large as its handler makes it, but JSON can be far longer than its message.
                    json.maxBytes = max(json.maxBytes, maxMessageBytes)
                    var requestJSON = json
                    // The reader of the request knows its bound, and refuses more with 413.
                    requestJSON.maxBytes = .max
                    let request = try JSONTranscoder(type.input, in: tables, options: requestJSON)
                    let response = try JSONTranscoder(type.output, in: tables, options: json)
                    methods[operation] = Method(
                        type: type, json: .json(request: request, response: response))
                    try routes.add(
                        type, of: service, descriptors, request: request, response: response, errors: options.errors,
                        adjustments: http.adjustments(of: operation))
                } catch let error as RoutingError {
                    throw AppError("\(error)")
                } catch {
                    throw AppError("the descriptors of \(service.name) cannot be used: \(error); generate them again")
                }
            }
        }
        do throws(RoutingError) {
            for route in http.all { try routes.add(route) }
        } catch {
            throw AppError("\(error)")
        }
        self.methods = methods
        self.routes = routes
    }

    /// The method with a path, `/package.Service/Method`; `nil` if its descriptor is not known.
    subscript(path: String) -> Method? { methods[path] }
}
