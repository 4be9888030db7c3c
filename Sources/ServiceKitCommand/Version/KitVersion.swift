/// The version of the kit. `scripts/check-version` compares it with the other places that have it.
enum KitVersion {
    static let current = "0.2.0"

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
