internal import GRPCCore
internal import GRPCNghttp2Transport
internal import Logging
internal import ServiceKit
internal import ServiceKitProtobuf

/// The checks of requests by the rules `buf.validate` in their descriptors. They see a request's bytes, before either of the
/// ways on which it is served.
enum RuleChecks {
    /// The most rules that a line of the log names.
    private static let maxNamed = 20

    /// The checks of those methods whose requests have rules.
    ///
    /// - Parameters:
    ///   - methods: The methods of the server.
    ///   - pool: The descriptors of its services.
    ///   - logger: Is told, once, of the rules that are not understood.
    static func make(
        for methods: [MethodDescriptor], _ pool: DescriptorPool, _ logger: Logger
    ) -> [MethodDescriptor: RequestCheck] {
        let rules = ValidationRules(pool)
        if !rules.ignored.isEmpty {
            logger.warning(
                "rules of buf.validate that nobody checks: they are not understood",
                metadata: [
                    "count": "\(rules.ignored.count)",
                    "rules": .array(rules.ignored.prefix(maxNamed).map { .string($0) }),
                ]
            )
        }
        var checks: [MethodDescriptor: RequestCheck] = [:]
        for method in methods {
            let service = pool.service(method.service.fullyQualifiedService)
            guard let input = service?.methods.first(where: { $0.name == method.method })?.input, rules.concern(input)
            else {
                continue
            }
            checks[method] = { bytes in
                // Bytes that are no message are the deserializer's matter.
                guard let violations = try? rules.violations(of: bytes, as: input), !violations.isEmpty else { return }
                throw RPCError(
                    ServiceError.invalid(
                        violations.map { .init(field: $0.field, description: $0.message, reason: $0.rule) }))
            }
        }
        return checks
    }
}
