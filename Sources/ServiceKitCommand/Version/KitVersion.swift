/// The version of the kit. It is written only here.
enum KitVersion {
    static let current = "0.1.0"

    /// The version of Swift that built this program, as far as known.
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
