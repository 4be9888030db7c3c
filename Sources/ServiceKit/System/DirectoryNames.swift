import Glibc

package enum DirectoryNames {
    /// The names in a directory, without `.` and `..`; `nil` when the directory is missing.
    package static func read(_ directory: String) throws(SystemError) -> [String]? {
        guard let stream = opendir(directory) else {
            if errno == ENOENT { return nil }
            throw SystemError("read directory", directory)
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            // The entry is only as long as its name, so it must not be copied as a whole.
            guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { break }
            let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw SystemError("read directory", directory) }
        return names
    }
}
