import Glibc

/// Reads a configuration file, up to the size limit.
package enum ConfigurationFile {
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
        case S_IFDIR: throw failure(path, "is a directory; name a YAML file in it")
        default: throw failure(path, "is not a regular file; name a YAML file")
        }
        // One byte more than allowed shows that the file is too large. The parser reports it.
        var bytes = [UInt8](repeating: 0, count: YAMLLimits.maximumDocumentBytes + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { throw failure(path, code: errno) }
        return Array(bytes[..<count])
    }

    private static func failure(_ path: String, code: Int32) -> ConfigurationError {
        switch code {
        case ENOENT, ENOTDIR: failure(path, "no such file; create it or name another one")
        case EACCES, EPERM: failure(path, "permission denied; let the user that runs the service read it")
        default: failure(path, "cannot be read: \(String(cString: strerror(code)))")
        }
    }

    private static func failure(_ path: String, _ message: String) -> ConfigurationError {
        ConfigurationError(message: message, location: SourceLocation(origin: path))
    }
}
