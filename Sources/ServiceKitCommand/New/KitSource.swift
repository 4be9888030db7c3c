import FoundationEssentials

/// The source of ServiceKit for a service's package.
enum KitSource: Hashable, Sendable {
    /// A checkout on this machine.
    case checkout(path: String)
    /// A repository, at a version, a branch or a commit.
    case repository(url: String, version: String)

    /// The checkout that this program was built from.
    static let origin = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Reads `--kit`: `PATH`, relative to a directory, or `URL@VERSION`. Default: the checkout that this program was
    /// built from. Throws `CommandFailure` when the source has no package.
    init(_ text: String?, in directory: String) throws {
        guard let text else {
            guard Self.isCheckout(Self.origin) else {
                throw CommandFailure(
                    "the checkout of ServiceKit that this kit was built from is no longer at \(Self.origin); name "
                        + "another source: --kit PATH or --kit URL@VERSION"
                )
            }
            self = .checkout(path: Self.origin)
            return
        }
        if text.contains("://") || text.hasPrefix("git@") {
            // The last "@": the URL may have a user before its host.
            let at = text.lastIndex(of: "@") ?? text.startIndex
            let (url, version) = (String(text[..<at]), String(text[at...].dropFirst()))
            guard url.contains("/"), !version.isEmpty, !version.contains("/"), !version.contains(":"),
                !text.contains(where: { $0 == "\"" || $0 == "\\" || $0.isWhitespace })
            else {
                throw CommandFailure(
                    "--kit \(text) names no version; write --kit URL@VERSION, as in https://example.com/servicekit.git@1.0.0 "
                        + "or @main"
                )
            }
            self = .repository(url: url, version: version)
            return
        }
        let path = URL(filePath: text, relativeTo: URL(filePath: directory, directoryHint: .isDirectory))
            .standardizedFileURL.path
        guard Self.isCheckout(path), !path.contains("\""), !path.contains("\\") else {
            throw CommandFailure("--kit \(text): there is no checkout of ServiceKit (no Package.swift at \(path))")
        }
        self = .checkout(path: path)
    }

    private static func isCheckout(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/Package.swift")
            && FileManager.default.fileExists(atPath: path + "/Sources/ServiceKit")
    }

    /// The dependency in a manifest's syntax.
    var dependency: String {
        switch self {
        case .checkout(let path):
            ".package(name: \"servicekit\", path: \"\(path)\")"
        case .repository(let url, let version) where Self.isRelease(version):
            ".package(url: \"\(url)\", from: \"\(version)\")"
        case .repository(let url, let version) where Self.isCommit(version):
            ".package(url: \"\(url)\", revision: \"\(version)\")"
        case .repository(let url, let version):
            ".package(url: \"\(url)\", branch: \"\(version)\")"
        }
    }

    /// The package's name in a product dependency. For a repository: the last part of its address.
    var packageName: String {
        switch self {
        case .checkout: return "servicekit"
        case .repository(let url, _):
            let last = url.split(whereSeparator: { $0 == "/" || $0 == ":" }).last.map(String.init) ?? url
            return last.hasSuffix(".git") ? String(last.dropLast(4)) : last
        }
    }

    private static func isRelease(_ version: String) -> Bool {
        version.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+([-+].*)?/) != nil
    }

    private static func isCommit(_ version: String) -> Bool {
        version.count == 40 && version.allSatisfy(\.isHexDigit)
    }
}
