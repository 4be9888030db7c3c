private import Foundation

/// The files that `kit new` and `kit add` make services from, and .proto files that many others import. They are
/// resources, so that they travel with the program.
public enum Templates {
    /// The name of the directory that belongs beside the program.
    public static let bundleName = "servicekit_ServiceKitTemplates.resources"

    /// The folder of a template: `service`, `rpc`, `client` or `proto`; `nil` when it did not travel with the program.
    public static func folder(_ name: String) -> String? {
        // Beside the program itself, whatever link it was started by. `Bundle.module` looks there as well, but ends the
        // process when there is nothing.
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let bundle = program.deletingLastPathComponent().appending(path: bundleName).path
        let folder = "\(bundle)/\(name)"
        return FileManager.default.fileExists(atPath: folder) ? folder : nil
    }
}
