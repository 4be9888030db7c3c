/// A method as HTTP has it: by a rule of `google.api.http`, or by Connect at the method's own path.
package struct HTTPOperation: Sendable {
    package let service: String
    package let method: MethodType
    package let rule: HTTPRule
    package let template: PathTemplate
    /// Whether the method has no rule, and is called by Connect.
    package let isConnect: Bool

    /// `user.v1.UserService/GetUser`.
    package var name: String { "\(service)/\(method.name)" }
}

extension DescriptorPool {
    /// The services without gRPC's own, which every server may have, by name.
    package var ownServices: [ServiceType] {
        allServices.filter { !$0.name.hasPrefix("grpc.") }.sorted { $0.name < $1.name }
    }

    /// The operations of services over HTTP: the rules of each method with their additional bindings; for a method without
    /// them the path of Connect. A stream of requests comes by WebSocket, so only its rules for GET count.
    ///
    /// - Throws: ``RoutingError`` when a rule is wrong.
    package func httpOperations(of services: [ServiceType]) throws(RoutingError) -> [HTTPOperation] {
        var operations: [HTTPOperation] = []
        for service in services {
            for method in service.methods {
                let name = "\(service.name).\(method.name)"
                let rules: [HTTPRule]
                do throws(DescriptorError) {
                    rules = try httpRules(of: method.name, in: service.name)
                        .filter { !method.isClientStreaming || $0.method == "GET" }
                } catch {
                    throw RoutingError(error.message)
                }
                for rule in rules {
                    let template: PathTemplate
                    do throws(RoutingError) {
                        template = try PathTemplate(rule.path)
                    } catch {
                        throw RoutingError("\(name): \(error)")
                    }
                    operations.append(
                        HTTPOperation(
                            service: service.name, method: method, rule: rule, template: template, isConnect: false))
                }
                if rules.isEmpty {
                    let path = "/\(service.name)/\(method.name)"
                    operations.append(
                        HTTPOperation(
                            service: service.name, method: method, rule: HTTPRule("POST", path, body: "*"),
                            template: PathTemplate(literal: path), isConnect: true))
                }
            }
        }
        return operations
    }
}
