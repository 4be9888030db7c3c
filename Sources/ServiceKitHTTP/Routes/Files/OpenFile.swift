import Glibc
import NIOPosix
import ServiceKit

/// A file that is open for reading. It closes with the last reference.
final class OpenFile: Sendable {
    /// The thing at a path.
    enum Found: Sendable {
        case file(OpenFile)
        case directory
        case none
    }

    private static let pieceBytes = 64 * 1024

    private let descriptor: CInt
    /// The last part of the path.
    let name: String
    /// The size in bytes.
    let size: Int
    /// The time of the last change, in seconds since 1970.
    let modified: Int
    /// The entity tag, with its quotes.
    let tag: String

    private init(_ descriptor: CInt, name: String, _ status: stat) {
        self.descriptor = descriptor
        self.name = name
        size = Int(status.st_size)
        // Seconds and nanoseconds, each a machine word; see `FileStatus`.
        let (seconds, nanoseconds) = withUnsafeBytes(of: status.st_mtim) {
            ($0.load(as: Int.self), $0.load(fromByteOffset: MemoryLayout<Int>.size, as: Int.self))
        }
        modified = seconds
        tag =
            "\"\(String(status.st_ino, radix: 36))-\(String(size, radix: 36))-"
            + "\(String(seconds, radix: 36)).\(String(nanoseconds, radix: 36))\""
    }

    deinit {
        close(descriptor)
    }

    /// Opens a file below a directory. May wait for the disk.
    ///
    /// - Parameters:
    ///   - path: The path of a request below the directory. One that ends in a slash means `index.html`.
    ///   - directory: The directory.
    /// - Throws: `AppError` if the directory is not there.
    static func open(_ path: String, in directory: String) throws -> Found {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.last == "" { parts[parts.count - 1] = "index.html" }
        // Hidden files, "." and ".." begin with a dot. A path with an empty part has another path to the same file.
        guard parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && !$0.utf8.contains(0) }) else { return .none }
        guard let root = resolved(directory) else {
            throw AppError("the directory \(directory) of the routes' files is not there")
        }
        // Symbolic links are followed first, so that the file that is opened is seen to be inside.
        guard let target = resolved(root + "/" + parts.joined(separator: "/")),
            target.hasPrefix(root == "/" ? root : root + "/")
        else { return .none }
        let descriptor = Glibc.open(target, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return .none }
        var status = stat()
        let isKnown = fstat(descriptor, &status) == 0
        guard isKnown, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return isKnown && status.st_mode & S_IFMT == S_IFDIR ? .directory : .none
        }
        return .file(OpenFile(descriptor, name: parts.last ?? "", status))
    }

    private static func resolved(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }

    /// The body with a part of the file.
    func body(_ range: Range<Int>) -> ResponseBody {
        guard !range.isEmpty else { return .none }
        return .stream(length: range.count) { body in
            var offset = range.lowerBound
            while offset < range.upperBound {
                let piece = try await self.read(offset..<min(offset + Self.pieceBytes, range.upperBound))
                // A file that has become shorter: the client learns that the response is not whole.
                guard !piece.isEmpty else { return }
                try await body.write(piece)
                offset += piece.count
            }
        }
    }

    private func read(_ range: Range<Int>) async throws -> [UInt8] {
        try await NIOThreadPool.singleton.runIfActive {
            [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
                count = max(0, pread(self.descriptor, buffer.baseAddress, range.count, off_t(range.lowerBound)))
            }
        }
    }
}
