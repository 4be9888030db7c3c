import Foundation

/// The programs of this package, as they were built with the tests.
enum Executable {
    static let userServer = product("user-server")
    static let userClient = product("user-client")
    static let kit = product("kit")

    /// The root of the package.
    static let packageRoot = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A configuration file of the sample pair.
    static func configuration(_ name: String) -> String {
        packageRoot.appending(path: "config/\(name)").path(percentEncoded: false)
    }

    private static func product(_ name: String) -> URL {
        // The test bundle lies beside the products.
        let bundle =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            .map { URL(filePath: $0) } ?? Bundle.main.bundleURL
        return bundle.deletingLastPathComponent().appending(path: name)
    }
}
