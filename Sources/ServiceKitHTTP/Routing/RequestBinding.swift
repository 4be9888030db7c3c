package import ServiceKitProtobuf

/// How a request of a route becomes the message of a method: from its body, then its query, then the variables of its path.
/// A later part counts more (`google/api/http.proto`).
package struct RequestBinding: Sendable {
    package let template: PathTemplate
    private let input: JSONTranscoder
    private let output: JSONTranscoder
    private let body: Body
    private let takesQuery: Bool
    private let variables: [FieldPath]
    private let responseBody: FieldPath?

    private enum Body: Sendable {
        case none
        case message
        case field(FieldPath)
        /// A field that is a `google.api.HttpBody`: it has the bytes of the body, whatever their type.
        case raw(FieldPath)
    }

    /// - Parameters:
    ///   - rule: The rule of the method.
    ///   - input: The transcoder of the method's requests.
    ///   - output: The transcoder of the method's responses.
    ///   - method: The name of the method, for errors.
    ///   - isStream: Whether the requests are a stream. A rule without a body then has each message as a body.
    /// - Throws: ``RoutingError`` that names the method when its template is invalid, or names a field that is missing or
    ///   cannot be there.
    package init(
        _ rule: HTTPRule, input: JSONTranscoder, output: JSONTranscoder, method: String, isStream: Bool = false
    ) throws(RoutingError) {
        self.input = input
        self.output = output
        do throws(RoutingError) {
            template = try PathTemplate(rule.path)
        } catch {
            throw RoutingError("\(method): \(error)")
        }
        do throws(DescriptorError) {
            var variables: [FieldPath] = []
            for variable in template.variables {
                variables.append(try FieldPath(variable.name, of: input, isVariable: true))
            }
            self.variables = variables
            switch rule.body {
            case "": body = isStream ? .message : .none
            case "*": body = .message
            default:
                let field = try Self.topField(rule.body, of: input)
                body = field.message(of: input) == RESTRoute.httpBody ? .raw(field) : .field(field)
            }
            takesQuery = rule.body != "*"
            responseBody = rule.responseBody.isEmpty ? nil : try Self.topField(rule.responseBody, of: output)
        } catch {
            throw RoutingError("\(method): \(rule.method) \(rule.path): \(error)")
        }
    }

    private static func topField(
        _ name: String, of transcoder: JSONTranscoder
    ) throws(DescriptorError) -> FieldPath {
        guard !name.contains(".") else {
            throw DescriptorError("\(name): the body must be a field of the message itself")
        }
        return try FieldPath(name, of: transcoder)
    }

    /// Whether the route takes a body that is JSON.
    package var takesJSON: Bool {
        switch body {
        case .message, .field: true
        case .none, .raw: false
        }
    }

    /// Whether the body is a message, or none is taken.
    package var takesWholeMessage: Bool {
        switch body {
        case .none, .message: true
        case .field, .raw: false
        }
    }

    /// The number of the field that has the bytes of the body; `nil` if there is none.
    package var rawField: Int32? {
        if case .raw(let field) = body { field.number } else { nil }
    }

    /// The number of the response's field that has the bytes of the response's body; `nil` if there is none.
    package var rawResponseField: Int32? {
        guard let responseBody, responseBody.message(of: output) == RESTRoute.httpBody else { return nil }
        return responseBody.number
    }

    // MARK: - Requests

    /// Makes the message of a request, in the wire format. The field of a raw body is not written.
    ///
    /// - Parameters:
    ///   - json: The body, as JSON; empty if there is none.
    ///   - path: The path as it was sent.
    ///   - values: The places of the variables in the path, from the router.
    ///   - query: The query as it was sent, without the question mark; empty if there is none.
    ///   - refusesUnknownParameters: Whether a parameter that is no field is an error. If not, it is ignored.
    ///   - wire: The message is appended to it. Unchanged when an error is thrown.
    /// - Throws: ``JSONError`` that names the field of the body, the parameter or the variable.
    package func message(
        body json: UnsafeRawBufferPointer,
        path: UnsafeBufferPointer<UInt8>,
        values: [Range<Int>],
        query: UnsafeBufferPointer<UInt8>,
        refusesUnknownParameters: Bool = false,
        into wire: inout [UInt8]
    ) throws(JSONError) {
        var message: [UInt8] = []
        switch body {
        case .none, .raw: break
        case .message:
            // An empty body is an empty message, as other gateways have it.
            if !json.isEmpty { try input.decode(json, into: &message) }
        case .field(let field):
            if !json.isEmpty { try input.decode(json, field: field, into: &message) }
        }
        if takesQuery && !query.isEmpty || !values.isEmpty {
            var fields = TextToWire(input)
            if takesQuery { try parameters(query, refusesUnknownParameters, &fields) }
            try pathValues(path, values, &fields)
            message.append(contentsOf: fields.bytes)
        }
        wire.append(contentsOf: message)
    }

    private func parameters(
        _ query: UnsafeBufferPointer<UInt8>, _ refusesUnknown: Bool, _ fields: inout TextToWire
    ) throws(JSONError) {
        var name: [UInt8] = []
        var value: [UInt8] = []
        for pair in query.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            name.removeAll(keepingCapacity: true)
            value.removeAll(keepingCapacity: true)
            let rawName = UnsafeBufferPointer(rebasing: pair[..<equals])
            guard PercentDecoding.decode(rawName, .query, into: &name) else {
                throw JSONError("the name has an incomplete escape").in(rawName)
            }
            if equals < pair.endIndex {
                let rawValue = UnsafeBufferPointer(rebasing: pair[(equals + 1)...])
                guard PercentDecoding.decode(rawValue, .query, into: &value) else {
                    throw JSONError("the value has an incomplete escape").in(rawName)
                }
            }
            let isKnown: Bool
            do throws(JSONError) {
                isKnown = try name.withUnsafeBufferPointer { (name) throws(JSONError) in
                    try value.withUnsafeBufferPointer { (value) throws(JSONError) in
                        try fields.append(value, toFieldNamed: name)
                    }
                }
            } catch {
                throw name.withUnsafeBufferPointer { error.in($0) }
            }
            if !isKnown, refusesUnknown {
                throw name.withUnsafeBufferPointer { JSONError("there is no such parameter").in($0) }
            }
        }
    }

    private func pathValues(
        _ path: UnsafeBufferPointer<UInt8>, _ values: [Range<Int>], _ fields: inout TextToWire
    ) throws(JSONError) {
        var value: [UInt8] = []
        for (index, range) in values.enumerated() {
            let variable = template.variables[index]
            value.removeAll(keepingCapacity: true)
            guard
                PercentDecoding.decode(
                    UnsafeBufferPointer(rebasing: path[range]), variable.isMultiple ? .segments : .segment, into: &value
                )
            else { throw JSONError("the path has an incomplete escape").within(variable.name) }
            do throws(JSONError) {
                try value.withUnsafeBufferPointer { (value) throws(JSONError) in
                    try fields.append(value, to: variables[index])
                }
            } catch {
                throw error.within(variable.name)
            }
        }
    }

    // MARK: - Responses

    /// Appends a response, which is a message in the wire format, as JSON: the message, or the rule's `response_body`.
    package func response(_ wire: UnsafeRawBufferPointer, into json: inout [UInt8]) throws(JSONError) {
        if let responseBody {
            try output.encode(wire, field: responseBody, into: &json)
        } else {
            try output.encode(wire, into: &json)
        }
    }
}

extension JSONError {
    /// The error of a parameter.
    fileprivate func `in`(_ name: UnsafeBufferPointer<UInt8>) -> JSONError {
        var error = self
        error.field = String(decoding: name.prefix(80), as: UTF8.self)
        return error
    }
}
