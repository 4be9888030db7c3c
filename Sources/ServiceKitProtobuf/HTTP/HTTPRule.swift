internal import SwiftProtobuf

/// How a method is called over HTTP with JSON: a `google.api.HttpRule`, or one of its additional bindings
/// (https://cloud.google.com/endpoints/docs/grpc-service-config/reference/rpc/google.api#http).
package struct HTTPRule: Hashable, Sendable {
    /// The method of the request: `GET`, or the kind of a custom pattern. `*` stands for every method.
    package var method: String
    /// The template of the path: `/v1/{name=shelves/*}`.
    package var path: String
    /// The field that the request's body has; `*` for the whole message; empty when there is no body.
    package var body = ""
    /// The field that the response's body has; empty for the whole message.
    package var responseBody = ""

    package init(_ method: String, _ path: String, body: String = "", responseBody: String = "") {
        self.method = method
        self.path = path
        self.body = body
        self.responseBody = responseBody
    }

    /// Reads a rule with its additional bindings.
    static func read(_ bytes: ArraySlice<UInt8>, isAdditional: Bool = false) throws(DescriptorError) -> [HTTPRule] {
        var reader = WireReader(bytes)
        var rule = HTTPRule("", "")
        var additional: [HTTPRule] = []
        let methods: [Int32: String] = [2: "GET", 3: "PUT", 4: "POST", 5: "DELETE", 6: "PATCH"]
        while !reader.isAtEnd {
            let (number, type) = try reader.tag()
            guard type == .delimited else {
                try reader.skip(type, number: number, depth: 10)
                continue
            }
            let value = try reader.delimited()
            switch number {
            case 2...6: (rule.method, rule.path) = (methods[number] ?? "", String(decoding: value, as: UTF8.self))
            case 7: rule.body = String(decoding: value, as: UTF8.self)
            case 8: (rule.method, rule.path) = try custom(value)
            // A binding inside of a binding is ignored, as http.proto has it.
            case 11 where !isAdditional: additional += try read(value, isAdditional: true)
            case 12: rule.responseBody = String(decoding: value, as: UTF8.self)
            default: break
            }
        }
        return [rule] + additional
    }

    /// Reads a pattern with a method of its own.
    private static func custom(_ bytes: ArraySlice<UInt8>) throws(DescriptorError) -> (method: String, path: String) {
        var reader = WireReader(bytes)
        var (method, path) = ("", "")
        while !reader.isAtEnd {
            switch try reader.tag() {
            case (1, .delimited): method = String(decoding: try reader.delimited(), as: UTF8.self)
            case (2, .delimited): path = String(decoding: try reader.delimited(), as: UTF8.self)
            case (let number, let type): try reader.skip(type, number: number, depth: 10)
            }
        }
        return (method, path)
    }
}

extension DescriptorPool {
    /// The rules of a method's option `google.api.http`: the rule and its additional bindings; none without the option.
    ///
    /// - Throws: ``DescriptorError`` when the option cannot be read, or has no path.
    package func httpRules(of method: String, in service: String) throws(DescriptorError) -> [HTTPRule] {
        guard let bytes = options(of: method, in: service).flatMap({ CustomOption.bytes(72_295_728, of: $0) }) else {
            return []
        }
        let rules: [HTTPRule]
        do throws(DescriptorError) {
            rules = try HTTPRule.read(bytes)
        } catch {
            throw DescriptorError("\(service).\(method): the option google.api.http cannot be read: \(error)")
        }
        if rules.contains(where: { $0.method.isEmpty || $0.path.isEmpty }) {
            throw DescriptorError("\(service).\(method): the option google.api.http has a rule without a path")
        }
        return rules
    }

    /// Whether a method says that it changes nothing (`idempotency_level = NO_SIDE_EFFECTS`).
    package func hasNoSideEffects(_ method: String, in service: String) -> Bool {
        options(of: method, in: service)?.idempotencyLevel == .noSideEffects
    }

    private func options(of method: String, in service: String) -> Google_Protobuf_MethodOptions? {
        guard let file = file(declaring: service) else { return nil }
        let prefix = file.package.isEmpty ? "" : file.package + "."
        let proto = file.service.first { prefix + $0.name == service }?.method.first { $0.name == method }
        return proto.flatMap { $0.hasOptions ? $0.options : nil }
    }
}
