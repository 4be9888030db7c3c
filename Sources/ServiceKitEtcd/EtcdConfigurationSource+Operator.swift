internal import EtcdClient
internal import FoundationEssentials
public import ServiceKit

/// A document is the key `PREFIX/NAME`. Its versions are the keys `PREFIX.history/NAME/0000000001` and so on: below another
/// prefix, so that no service reads them, and keys of their own, since etcd forgets old revisions when it is compacted.
///
/// A version is a line in JSON with its note, as a comment, and then the document. Document and version are written in one
/// transaction, which holds only if nobody has written either meanwhile. A document that another program has put gets a
/// version too, when it is replaced.
extension EtcdConfigurationSource: ConfigurationOperator {
    private static let digits = 10

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
        let last = try await versions(of: name).first
        let earlier = try await self.document(named: name)
        guard earlier?.revision ?? 0 == document.revision else { return nil }
        var number = last?.number ?? 0
        var operations: [Transaction.Operation] = [.put(key(of: name), document.bytes)]
        if let earlier, earlier.revision != last?.revision {
            number += 1
            let found = ConfigurationVersion.Note(
                time: note.time, author: "-", message: "found: put by another program")
            operations.append(.put(historyKey(of: name, number), Self.text(found, earlier.bytes)))
        }
        number += 1
        operations.append(.put(historyKey(of: name, number), Self.text(note, document.bytes)))
        let oldest = number - max(1, count) + 1
        if let last, last.number < oldest || oldest > 1 {
            let end = min(oldest, last.number + 1)
            operations.append(.delete(.range(from: historyKey(of: name, 0), to: historyKey(of: name, end))))
        }
        let transaction = Transaction(
            if: [
                .modRevision(of: key(of: name), .equal, document.revision),
                .isAbsent(historyKey(of: name, (last?.number ?? 0) + 1)),
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
        let prefix = historyPrefix(of: name)
        return try await client.list(.prefix(prefix), pageSize: 20).entries.reversed().compactMap { entry in
            // Another program's key is no version.
            let digits = entry.keyText.dropFirst(prefix.count)
            guard digits.count == Self.digits, let number = Int(digits), number > 0 else { return nil }
            let (note, bytes) = Self.parts(of: entry.value)
            return ConfigurationVersion(number: number, revision: entry.modRevision, note: note, bytes: bytes)
        }
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

    private static func parts(of value: [UInt8]) -> (note: ConfigurationVersion.Note?, document: [UInt8]) {
        guard value.starts(with: Array("# {".utf8)), let end = value.firstIndex(of: UInt8(ascii: "\n")) else {
            return (nil, value)
        }
        let note = try? JSONDecoder().decode(ConfigurationVersion.Note.self, from: Data(value[2..<end]))
        return (note, Array(value[(end + 1)...]))
    }
}
