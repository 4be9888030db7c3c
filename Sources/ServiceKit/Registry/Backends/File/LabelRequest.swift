import FoundationEssentials
import Glibc

/// An operator's request to the owner of an instance: the file `<id>.set` beside the instance's, whose JSON is
/// `{"labels":{"weight":"50","offline":null}}`.
///
/// Only the owner writes the instance's own file. So an operator leaves a request, and the owner, which watches the
/// directory, takes it up: it publishes the instance with these labels and removes the request.
struct LabelRequest: Codable {
    /// The most bytes that are read of a request: 2 MiB, so that all labels an instance may have fit in.
    static let maximumSize = 2 << 20

    private static let suffix = ".set"

    /// The labels' new values; null removes one.
    var labels: [String: String?]

    static func name(for place: InstanceFile) -> String { place.id + suffix }

    static func path(for place: InstanceFile) -> String { "\(place.directory)/\(name(for: place))" }

    /// The id in the name of a request's file; `nil` when no request has such a name.
    static func id(inName name: String) -> String? {
        name.hasSuffix(suffix) && !name.hasPrefix(".") ? String(name.dropLast(suffix.count)) : nil
    }

    enum Finding {
        case nothing
        case request(LabelRequest)
        /// The file does not hold a request.
        case garbage(reason: String)
    }

    /// Reads the request to an instance's owner. Throws a failure that says nothing about the file, such as when
    /// descriptors run out.
    static func find(for place: InstanceFile) throws(SystemError) -> Finding {
        switch try FileContents.read(path(for: place), limit: maximumSize) {
        case .nothing:
            return .nothing
        case .unusable(_, let reason):
            return .garbage(reason: reason)
        case .bytes(let bytes, _, _):
            do {
                return .request(try JSONDecoder().decode(LabelRequest.self, from: Data(bytes)))
            } catch {
                return .garbage(reason: "\(error)")
            }
        }
    }

    /// Leaves the request to an instance's owner. Returns the file; `nil` when another request is there already. While
    /// it is open, no other request can have its inode's number, and so be taken for it.
    func leave(for place: InstanceFile) throws(SystemError) -> OpenFile? {
        let file = try TemporaryFile.create(in: place.directory)
        defer { _ = unlink(file.path) }
        try file.write(FileContents.json(self))
        let path = Self.path(for: place)
        // Complete from the start, and never in the place of another request, which a renamed file would take.
        guard link(file.path, path) == 0 else {
            if errno == EEXIST { return nil }
            throw SystemError("leave request", path)
        }
        // Closing the file tells the owner. The owner may be so fast that the request is gone already.
        _ = try? OpenFile(path, O_RDWR)
        return file
    }

    /// Whether a request is still there.
    static func isLeft(for place: InstanceFile, _ file: OpenFile) throws(SystemError) -> Bool {
        try file.status().isInPlace(at: path(for: place))
    }

    static func remove(for place: InstanceFile) throws(SystemError) {
        let path = path(for: place)
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
    }
}
