internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
private import NIOHTTP1
internal import ServiceKit

/// A place that has a JSON Web Key Set.
protocol KeySource: Sendable {
    /// The place, for errors.
    var name: String { get }
    /// Whether the App cannot start without the keys.
    var isRequired: Bool { get }
    /// The bytes of the set.
    func load() async throws -> [UInt8]
    /// Waits until the set may have changed, or the task is cancelled.
    func waitForChange() async
}

/// A file, which is watched.
struct FileKeySource: KeySource {
    private let path: String
    private let maxBytes: Int
    private let watcher = FileWatcher()

    var name: String { path }
    var isRequired: Bool { true }

    init(_ path: String, maxBytes: Int) {
        self.path = path
        self.maxBytes = maxBytes
        watcher.watch([path])
    }

    func load() throws -> [UInt8] {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw KeySet.Failure(description: "it cannot be read")
        }
        guard bytes.count <= maxBytes else { throw KeySet.Failure(description: "it has more than \(maxBytes) bytes") }
        return Array(bytes)
    }

    func waitForChange() async {
        await watcher.wait()
    }
}

/// An address that is asked over HTTP. The keeper limits the time.
struct HTTPKeySource: KeySource {
    private let url: String
    private let maxBytes: Int
    /// The address without what may be secret in it.
    let name: String

    var isRequired: Bool { false }

    init(_ url: URL, maxBytes: Int) {
        self.url = url.absoluteString
        self.maxBytes = maxBytes
        let port = url.port.map { ":\($0)" } ?? ""
        name = "\(url.scheme ?? "https")://\(url.host() ?? "")\(port)\(url.path())"
    }

    func load() async throws -> [UInt8] {
        var configuration = HTTPClient.Configuration()
        // The keys come from where the operator says, and from nowhere else.
        configuration.redirectConfiguration = .disallow
        configuration.connectionPool.retryConnectionEstablishment = false
        return try await HTTPClient.withHTTPClient(configuration: configuration) { [url, maxBytes] client in
            var request = HTTPClientRequest(url: url)
            request.headers.add(name: "accept", value: "application/json")
            let response = try await client.execute(request, deadline: .distantFuture)
            guard response.status == .ok else {
                throw KeySet.Failure(description: "it answered with status \(response.status.code)")
            }
            do {
                return Array(buffer: try await response.body.collect(upTo: maxBytes))
            } catch is NIOTooManyBytesError {
                throw KeySet.Failure(description: "it has more than \(maxBytes) bytes")
            }
        }
    }

    /// Nothing tells of a change: the keeper asks at intervals.
    func waitForChange() async {
        await untilCancelled()
    }
}
