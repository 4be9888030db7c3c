private import FoundationEssentials
import Glibc

/// Reads configuration files, up to the size limit.
package enum ConfigurationFile {
    /// Reads files, and of directories all files `*.yaml` in the order of their names. Throws ``ConfigurationError`` for the
    /// first that cannot be read.
    package static func documents(at paths: [String]) throws(ConfigurationError) -> [ConfigurationDocument] {
        var documents: [ConfigurationDocument] = []
        for path in paths {
            let files = names(in: path).map { $0.map { "\(path)/\($0)" } } ?? [path]
            if files.isEmpty { throw failure(path, "is a directory without files *.yaml; add one") }
            for file in files { documents.append(ConfigurationDocument(origin: file, bytes: try contents(of: file))) }
        }
        return documents
    }

    /// The files `*.yaml` of the directories among the paths.
    package static func files(in paths: [String]) -> [String] {
        paths.flatMap { path in names(in: path)?.map { "\(path)/\($0)" } ?? [] }
    }

    /// The names of the files `*.yaml` in a directory; `nil` when it is none.
    private static func names(in path: String) -> [String]? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.sorted()
    }

    /// The contents of a file. Throws ``ConfigurationError`` when it cannot be read, or is not a regular file.
    @Sendable package static func contents(of path: String) throws(ConfigurationError) -> [UInt8] {
        // Without O_NONBLOCK, opening a pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0, let file = fdopen(descriptor, "r") else { throw failure(path, code: errno) }
        defer { fclose(file) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path, code: errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw failure(path, "is a directory; name a file in it")
        default: throw failure(path, "is not a regular file; name a file")
        }
        // One byte more than allowed shows that the file is too large. The parser reports it.
        var bytes = [UInt8](repeating: 0, count: YAMLLimits.maximumDocumentBytes + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { throw failure(path, code: errno) }
        return Array(bytes[..<count])
    }

    private static func failure(_ path: String, code: Int32) -> ConfigurationError {
        var error =
            switch code {
            case ENOENT, ENOTDIR: failure(path, "no such file; create it or name another one")
            case EACCES, EPERM: failure(path, "permission denied; let the user that runs the service read it")
            default: failure(path, "cannot be read: \(String(cString: strerror(code)))")
            }
        // Where the service runs, the file may be there, and its user may read it.
        error.isLocal = [ENOENT, ENOTDIR, EACCES, EPERM].contains(code)
        return error
    }

    private static func failure(_ path: String, _ message: String) -> ConfigurationError {
        ConfigurationError(message: message, location: SourceLocation(origin: path))
    }
}
