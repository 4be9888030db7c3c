internal import EtcdClient
internal import FoundationEssentials
public import ServiceKit

/// A document is the key `PREFIX/NAME`. Its versions are the keys `PREFIX.history/NAME/0000000001` and so on: below another
/// prefix, so that no service reads them, and keys of their own, since etcd forgets old revisions when it is compacted.
///
/// A version is a line in JSON with its note, as a comment, and then the document. A key of another form is no version, and
/// is left alone. Document and version are written in one transaction, which holds only if nobody has written either
/// meanwhile. A document that another program has put gets a version too, when it is replaced and versions are kept beside
/// the new one.
extension EtcdConfigurationSource: ConfigurationOperator {
    private static let digits = 10
    private static let largestNumber = 9_999_999_999
    /// How many versions one write deletes at most; the next write goes on. etcd takes 128 operations in a transaction.
    private static let maximumDeletions = 100

    /// `etcd PREFIX/NAME`.
    public func origin(of name: String) -> String { EtcdConfigurationKeys.origin(of: key(of: name)) }

    /// Reads the key `PREFIX/NAME`.
    ///
    /// - Throws: `EtcdError`.
    public func document(named name: String) async throws -> StoredConfiguration? {
        let entry = try await client.get(key(of: name))
        return entry.map { StoredConfiguration(name: name, bytes: $0.value, revision: $0.modRevision) }
    }

    /// Writes the key `PREFIX/NAME` and a version of it.
    ///
    /// - Throws: `EtcdError`.
    public func write(
        _ document: StoredConfiguration,
        note: ConfigurationVersion.Note,
        keeping count: Int
    ) async throws -> ConfigurationVersion? {
        let name = document.name
        var history = try await history(of: name)
        let last = history.versions.first
        let earlier = try await self.document(named: name)
        guard earlier?.revision ?? 0 == document.revision else { return nil }
        var added = 0
        var operations: [Transaction.Operation] = [.put(key(of: name), document.bytes)]
        if count > 1, let earlier, earlier.revision != last?.revision {
            let found = ConfigurationVersion.Note(
                time: note.time, author: "-", message: "found: put by another program")
            let number = try nextNumber(&history, of: name)
            operations.append(.put(historyKey(of: name, number), Self.text(found, earlier.bytes)))
            added += 1
        }
        let number = try nextNumber(&history, of: name)
        operations.append(.put(historyKey(of: name, number), Self.text(note, document.bytes)))
        added += 1
        let expired = history.versions.dropFirst(max(0, count - added)).suffix(Self.maximumDeletions)
        operations += expired.map { .delete(.key(historyKey(of: name, $0.number))) }
        let transaction = Transaction(
            if: [
                .modRevision(of: key(of: name), .equal, document.revision),
                .isAbsent(historyKey(of: name, number)),
            ],
            then: operations
        )
        let result: Transaction.Result
        do {
            result = try await client.commit(transaction)
        } catch {
            throw Self.isTooLarge(error) ? tooLarge(document, error) : error
        }
        guard result.succeeded else { return nil }
        return ConfigurationVersion(number: number, revision: result.revision, note: note, bytes: document.bytes)
    }

    /// Reads the keys `PREFIX.history/NAME/…`.
    ///
    /// - Throws: `EtcdError`.
    public func versions(of name: String) async throws -> [ConfigurationVersion] {
        try await history(of: name).versions
    }

    // MARK: - The keys of the versions

    private struct History {
        /// The latest first.
        var versions: [ConfigurationVersion] = []
        /// The last number that was given.
        var last = 0
        /// The numbers that no version can have: keys of other programs have them.
        var foreign: Set<Int> = []
    }

    private func history(of name: String) async throws -> History {
        let prefix = historyPrefix(of: name)
        var history = History()
        for entry in try await client.list(.prefix(prefix), pageSize: 20).entries.reversed() {
            let digits = entry.keyText.dropFirst(prefix.count)
            guard digits.count == Self.digits, let number = Int(digits), number > 0 else { continue }
            guard let (note, bytes) = Self.parts(of: entry.value) else {
                history.foreign.insert(number)
                continue
            }
            history.versions.append(
                ConfigurationVersion(number: number, revision: entry.modRevision, note: note, bytes: bytes))
        }
        history.last = history.versions.first?.number ?? 0
        return history
    }

    /// The next number that is free. Throws `EtcdError` when there is none.
    private func nextNumber(_ history: inout History, of name: String) throws(EtcdError) -> Int {
        repeat {
            guard history.last < Self.largestNumber else {
                throw EtcdError(
                    code: .invalidArgument,
                    message:
                        "\(historyKey(of: name, history.last)) has the last number that a version can have; delete the key if "
                        + "nobody needs it, or use another --name"
                )
            }
            history.last += 1
        } while history.foreign.contains(history.last)
        return history.last
    }

    // MARK: - The size of a request

    /// Whether etcd, or the gRPC server in it, refuses a request for its size.
    private static func isTooLarge(_ error: EtcdError) -> Bool {
        error.message.contains("request is too large") || error.message.contains("larger than max")
    }

    private func tooLarge(_ document: StoredConfiguration, _ error: EtcdError) -> EtcdError {
        EtcdError(
            code: error.code,
            message:
                "\(key(of: document.name)) would have \(document.bytes.count) bytes, and etcd refuses the request: it "
                + "takes 1.5 MiB by default, and the request has the document twice, as itself and as a version; keep the "
                + "document below 700 KiB, split it by --name, or raise etcd's --max-request-bytes"
        )
    }

    private func key(of name: String) -> String { "\(prefix)/\(name)" }
    private func historyPrefix(of name: String) -> String { "\(prefix).history/\(name)/" }

    private func historyKey(of name: String, _ number: Int) -> String {
        let digits = String(number)
        return historyPrefix(of: name) + String(repeating: "0", count: max(0, Self.digits - digits.count)) + digits
    }

    // MARK: - The form of a version

    private static func text(_ note: ConfigurationVersion.Note, _ document: [UInt8]) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = (try? encoder.encode(note)).map { Array($0) } ?? []
        return Array("# ".utf8) + json + Array("\n".utf8) + document
    }

    /// The note and the document; `nil` for a value that is no version.
    private static func parts(of value: [UInt8]) -> (note: ConfigurationVersion.Note, document: [UInt8])? {
        guard value.starts(with: Array("# {".utf8)), let end = value.firstIndex(of: UInt8(ascii: "\n")),
            let note = try? JSONDecoder().decode(ConfigurationVersion.Note.self, from: Data(value[2..<end]))
        else { return nil }
        return (note, Array(value[(end + 1)...]))
    }
}
