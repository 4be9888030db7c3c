import ServiceKitTestSupport

@testable import ServiceKitCommand

extension TemporaryDirectory {
    /// Writes a new service in a directory of its name, like `kit new`.
    @discardableResult
    func addService(_ name: String = "user-service") async throws -> ServicePackage {
        try await TreeWriter(directory: path(name)).write(ServiceTemplateTests.tree(name))
        return try ServicePackage(at: path(name))
    }
}
