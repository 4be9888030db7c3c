import FoundationEssentials
import Glibc

/// What an operator asks an instance's owner for: the file `<id>.set` beside the instance's, whose JSON is
/// `{"labels":{"weight":"50","offline":null}}`.
///
/// The instance's own file is its owner's alone. So an operator leaves a request, and the owner, who watches the
/// directory, takes it up: it publishes the instance with these labels and removes the request.
struct LabelRequest: Codable {
    /// The most bytes that are read of a request: 2 MiB, so that all labels an instance may have fit in.
    static let maximumSize = 2 << 20

    private static let suffix = ".set"

    /// The labels' new values; null removes one.
    var labels: [String: String?]

    /// What reading a request finds.
    enum Finding {
        case nothing
        case request(LabelRequest)
        /// Something that is no request.
        case garbage(reason: String)
    }

    /// The name of the file.
    static func name(for place: InstanceFile) -> String { place.id + suffix }

    /// The path of the file.
    static func path(for place: InstanceFile) -> String { "\(place.directory)/\(name(for: place))" }

    /// The id in the name of a request's file; `nil` when none is called so.
    static func id(inName name: String) -> String? {
        guard name.hasSuffix(suffix), !name.hasPrefix(".") else { return nil }
        return String(name.dropLast(suffix.count))
    }

    /// Reads the request to an instance's owner.
    ///
    /// - Throws: When the failure says nothing about the file, such as when descriptors run out.
    static func find(for place: InstanceFile) throws(SystemError) -> Finding {
        let contents: [UInt8]?
        do {
            // Mostly there is none, which an owner without descriptors to spare can find out, too.
            guard try FileStatus.ofLink(path(for: place)) != nil else { return .nothing }
            let file = try OpenFile(path(for: place), .reading)
            guard try file.status().isRegular else { return .garbage(reason: "it is no regular file") }
            contents = try file.read(limit: maximumSize)
        } catch {
            if error.isAbsence { return .nothing }
            if error.isExhaustion { throw error }
            return .garbage(reason: "\(error)")
        }
        guard let contents else { return .garbage(reason: "it is longer than \(maximumSize) bytes") }
        do {
            return .request(try JSONDecoder().decode(LabelRequest.self, from: Data(contents)))
        } catch {
            return .garbage(reason: "\(error)")
        }
    }

    /// Leaves the request to an instance's owner, unless there is one already.
    ///
    /// - Returns: Which file it is; `nil` when there is one already.
    func leave(for place: InstanceFile) throws(SystemError) -> FileStatus.Identity? {
        let contents: Data
        do {
            contents = try JSONEncoder().encode(self)
        } catch {
            // Maps of strings always have a JSON form.
            throw SystemError("encode a request for", place.path, number: EINVAL)
        }
        let path = Self.path(for: place)
        let temporary = "\(place.directory)/\(TemporaryName.random())"
        defer { _ = unlink(temporary) }
        var file: OpenFile? = try OpenFile(temporary, .new)
        try file?.write(Array(contents))
        let identity = try file?.status().identity
        file = nil
        // Whole from the start, and never in the place of another's: renaming would do the one only.
        guard link(temporary, path) == 0 else {
            if errno == EEXIST { return nil }
            throw SystemError("leave request", path)
        }
        // Closing it tells the owner. It may be so fast that the request is done already.
        _ = try? OpenFile(path, .locking)
        return identity
    }

    /// Removes the request to an instance's owner.
    ///
    /// - Parameter identity: Which file it has to be, if that matters.
    static func remove(for place: InstanceFile, _ identity: FileStatus.Identity? = nil) throws(SystemError) {
        let path = path(for: place)
        if let identity, try FileStatus.ofLink(path)?.identity != identity { return }
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
    }
}
