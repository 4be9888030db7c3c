import Foundation
import ServiceKitTestSupport

@testable import ServiceKitCommand

extension ProtoPlugins {
    /// The directory of the plugins that were built with the tests; `nil` when they were not.
    static var built: String? {
        let paths = names.map { RunningProgram.path(ofProduct: $0) }
        guard paths.allSatisfy({ FileManager.default.isExecutableFile(atPath: $0) }) else { return nil }
        return paths.first.map { URL(filePath: $0).deletingLastPathComponent().path(percentEncoded: false) }
    }
}
