internal import ServiceKit

/// The service that a channel calls, as `discovery:///user-service`, `etcd:///user-service`, or just `user-service` name it.
struct ChannelTarget: Hashable {
    /// The registry backend to ask; `nil` for the backend that the configuration names.
    let backend: String?
    /// The service's name.
    let service: String

    /// Reads a target.
    ///
    /// - Throws: `AppError` that shows the form.
    init(_ text: String) throws {
        if let separator = text.firstRange(of: ":///") {
            let scheme = text[..<separator.lowerBound]
            backend = scheme == "discovery" ? nil : String(scheme)
            service = String(text[separator.upperBound...])
        } else {
            backend = nil
            service = text
        }
        do {
            try ServiceInstance.validate(serviceName: service)
        } catch {
            throw AppError("\"\(text)\" is no target; write discovery:///NAME with the name of a service: \(error)")
        }
    }

    /// Reads a target for a channel whose registry is given.
    ///
    /// - Throws: `AppError` also when it names a registry.
    init(inGivenRegistry text: String) throws {
        try self.init(text)
        if let backend {
            throw AppError(
                "\"\(text)\" names the registry \"\(backend)\" where one is given already; write just \(service), "
                    + "or make a ServiceChannel from the configuration"
            )
        }
    }
}
