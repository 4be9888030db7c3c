private import FoundationEssentials

/// Ids for instances that configuration gives none.
enum InstanceID {
    /// The host's name and a number drawn anew: no two starts share an id, so an instance never meets its own leftovers.
    static func random() -> String {
        let host = ProcessInfo.processInfo.hostName.prefix { $0 != "." }
            .filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        let number = String(UInt64.random(in: 0..<(1 << 48)), radix: 16)
        let digits = String(repeating: "0", count: 12 - number.count) + number
        return host.isEmpty ? digits : "\(host.prefix(63))-\(digits)"
    }
}
