#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The properties of a file that show a change without reading it.
package struct FileStamp: Hashable, Sendable {
    private let modified: [UInt8]
    private let size: Int
    private let node: UInt64

    /// `nil` if there is no such file.
    package init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        // Compared and nothing else.
        modified = withUnsafeBytes(of: status.st_mtim) { Array($0) }
        size = Int(status.st_size)
        node = UInt64(status.st_ino)
    }
}
