import FoundationEssentials
import Glibc

/// The contents of a file that another process may replace or remove at any time.
enum FileContents {
    /// No file is there.
    case nothing
    /// The whole contents, and whether the file has an owner.
    case bytes([UInt8], FileStatus, isLocked: Bool)
    /// A file that cannot be read, for a reason of its own.
    case unusable(FileStatus?, reason: String)

    /// Reads a file. Throws a failure that says nothing about this file, such as when descriptors run out.
    static func read(_ path: String, limit: Int) throws(SystemError) -> FileContents {
        // A file that is replaced while it is read, as by an update, is read again. This often in a row means mischief.
        for _ in 0..<16 {
            do throws(SystemError) {
                // Needs no descriptor, so a process without any to spare still finds that nothing is there.
                guard let found = try FileStatus.ofLink(path) else { return .nothing }
                guard found.isRegular else { return .unusable(found, reason: "it is no regular file") }
                let file = try OpenFile(path, O_RDONLY)
                // Open until all is known: once it is closed, its number may be given to the file that replaces it.
                defer { withExtendedLifetime(file) {} }
                let status = try file.status()
                guard let bytes = try file.read(limit: limit) else {
                    return .unusable(status, reason: "it is longer than \(limit) bytes")
                }
                let isLocked = try file.isLocked()
                // A file without an owner may be the old one: its owner may just have replaced it.
                if !isLocked, try !status.isInPlace(at: path) { continue }
                return .bytes(bytes, status, isLocked: isLocked)
            } catch {
                if error.isAbsence { return .nothing }
                if error.isExhaustion { throw error }
                return .unusable(try? FileStatus.ofLink(path), reason: "\(error)")
            }
        }
        return .unusable(nil, reason: "it changes all the time")
    }

    static func json(
        _ value: some Encodable,
        formatting: JSONEncoder.OutputFormatting = []
    ) throws(SystemError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [formatting, .sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            // Strings and maps of strings always have a JSON form.
            throw SystemError("encode", "\(type(of: value))", number: EINVAL)
        }
    }
}
