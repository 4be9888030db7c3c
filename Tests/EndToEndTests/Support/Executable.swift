import Foundation
import ServiceKitTestSupport

/// The programs of this package, from the same build as the tests.
enum Executable {
    static let userServer = RunningProgram.path(ofProduct: "servicekit-user-server")
    static let userClient = RunningProgram.path(ofProduct: "servicekit-user-client")
    static let kit = RunningProgram.path(ofProduct: "servicekit-kit")

    /// The root of the package.
    static let packageRoot = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A configuration file of the sample pair.
    static func configuration(_ name: String) -> String {
        packageRoot.appending(path: "config/\(name)").path(percentEncoded: false)
    }
}
