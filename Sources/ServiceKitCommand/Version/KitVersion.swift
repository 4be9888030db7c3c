/// The version of the kit; the one place where it is written.
enum KitVersion {
    static let current = "0.1.0"

    /// The version of Swift that this was built by, as far as it can be told.
    static var swift: String {
        #if compiler(>=6.5)
        "6.5 or later"
        #elseif compiler(>=6.4)
        "6.4"
        #elseif compiler(>=6.3)
        "6.3"
        #else
        "6.2"
        #endif
    }
}
