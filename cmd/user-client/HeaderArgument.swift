import ArgumentParser

/// A header of the calls, written `NAME=VALUE`.
struct HeaderArgument: ExpressibleByArgument {
    let name: String
    let value: String

    init?(argument: String) {
        guard let sign = argument.firstIndex(of: "=") else { return nil }
        name = argument[..<sign].lowercased()
        value = String(argument[argument.index(after: sign)...])
        let isName = name.wholeMatch(of: /[a-z0-9._-]+/) != nil && !name.hasPrefix("grpc-") && !name.hasSuffix("-bin")
        guard isName, value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
    }
}
