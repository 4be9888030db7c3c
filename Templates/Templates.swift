public import Foundation

/// The files that `kit new` makes services from. They are resources, so that they travel with the program.
public enum Templates {
    /// The folder of a service's template.
    public static var service: URL {
        Bundle.module.bundleURL.appendingPathComponent("service", isDirectory: true)
    }
}
