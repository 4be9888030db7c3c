package import GRPCCore

extension MethodDescriptor {
    /// The method's name as the path of a request: `/package.Service/Method`.
    package var path: String {
        let service = service.fullyQualifiedService
        var path = ""
        // One allocation, where an interpolation takes three.
        path.reserveCapacity(2 + service.utf8.count + method.utf8.count)
        path += "/"
        path += service
        path += "/"
        path += method
        return path
    }
}
