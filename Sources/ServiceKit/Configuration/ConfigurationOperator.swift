internal import ServiceKitConfig

/// A ``ConfigurationSource`` that people can write with `kit config push`, `history` and `rollback`.
///
/// Its option `prefix` is the place in `kit config push FILE --to NAME:///PREFIX`. The functions work while the source runs.
///
/// A document has versions, numbered from 1. The versions stay readable in any case: they may not depend on a history that
/// the store shortens by itself.
public protocol ConfigurationOperator: ConfigurationSource {
    /// The origin that the document of a name has among the documents that the source reports.
    func origin(of name: String) -> String

    /// The document of a name, such as `config.yaml`; `nil` when there is none.
    ///
    /// - Throws: An error that names the fault in one line.
    func document(named name: String) async throws -> StoredConfiguration?

    /// Writes a document, and keeps it as a version.
    ///
    /// - Parameters:
    ///   - document: The document's bytes, and the revision that it replaces.
    ///   - note: The version's author and reason.
    ///   - count: How many versions are kept; the oldest others are deleted.
    /// - Returns: The version; `nil` when somebody else has written the document meanwhile.
    /// - Throws: An error that names the fault in one line.
    func write(
        _ document: StoredConfiguration,
        note: ConfigurationVersion.Note,
        keeping count: Int
    ) async throws -> ConfigurationVersion?

    /// The versions of a document, the latest first.
    ///
    /// - Throws: An error that names the fault in one line.
    func versions(of name: String) async throws -> [ConfigurationVersion]
}

/// A document in a store.
public struct StoredConfiguration: Hashable, Sendable {
    /// The document's name in the store: `config.yaml`.
    public var name: String
    /// The document in YAML.
    public var bytes: [UInt8]
    /// The revision of the store at which the document was written; 0 for one that is not there yet.
    public var revision: Int64

    /// Describes a document. The revision is that at which it was written; 0 for one that is not there yet.
    public init(name: String, bytes: [UInt8], revision: Int64 = 0) {
        self.name = name
        self.bytes = bytes
        self.revision = revision
    }
}

/// A document as it was once written.
public struct ConfigurationVersion: Hashable, Sendable {
    /// The author and the reason of a version.
    public struct Note: Codable, Hashable, Sendable {
        /// When the version was written, in RFC 3339.
        public var time: String
        /// The user and the host.
        public var author: String
        /// The reason; may be empty.
        public var message: String

        /// Describes a version by its time in RFC 3339, its author and its reason.
        public init(time: String, author: String, message: String) {
            self.time = time
            self.author = author
            self.message = message
        }
    }

    /// The number, from 1.
    public var number: Int
    /// The revision of the store at which it was written.
    public var revision: Int64
    /// The author and the reason; `nil` when they cannot be read.
    public var note: Note?
    /// The document in YAML.
    public var bytes: [UInt8]

    /// Describes a version by its number, the store's revision, its note and its document.
    public init(number: Int, revision: Int64, note: Note?, bytes: [UInt8]) {
        self.number = number
        self.revision = revision
        self.note = note
        self.bytes = bytes
    }
}
