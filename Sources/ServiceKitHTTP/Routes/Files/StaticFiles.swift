import HTTPTypes
import NIOPosix
import ServiceKit

/// The files of a directory, as responses.
struct StaticFiles: Sendable {
    let directory: String
    let cacheControl: String?

    /// The response to a request.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - path: The path below the directory.
    func response(to request: HTTPRequest, path: String) async throws -> RouteResponse {
        let target = request.path ?? "/"
        let end = target.firstIndex(of: "?") ?? target.endIndex
        // Relative links in a page begin at the last slash of its path.
        if path.isEmpty, !target[..<end].hasSuffix("/") { return redirect(to: target, end) }
        // Files are opened and read on threads that may wait.
        let found = try await NIOThreadPool.singleton.runIfActive { try OpenFile.open(path, in: directory) }
        switch found {
        case .file(let file):
            return response(to: request, file)
        case .directory where !path.isEmpty && !path.hasSuffix("/"):
            return redirect(to: target, end)
        case .directory, .none:
            throw ServiceError(.notFound, reason: "NOT_FOUND", message: "there is no such file")
        }
    }

    /// Sends the client to the same path with a slash at the end.
    private func redirect(to target: String, _ end: String.Index) -> RouteResponse {
        RouteResponse(.movedPermanently, headers: [.location: "\(target[..<end])/\(target[end...])"])
    }

    private func response(to request: HTTPRequest, _ file: OpenFile) -> RouteResponse {
        var headers: HTTPFields = [
            .eTag: file.tag, .lastModified: HTTPDate.text(file.modified), .acceptRanges: "bytes",
            .contentType: MediaType.ofFile(named: file.name), .xContentTypeOptions: "nosniff",
        ]
        if let cacheControl { headers[.cacheControl] = cacheControl }
        switch Preconditions.check(request.headerFields, tag: file.tag, modified: file.modified) {
        case .notModified: return RouteResponse(.notModified, headers: headers)
        case .failed: return RouteResponse(.preconditionFailed)
        case .met: break
        }
        // Ranges are for GET alone (RFC 9110, section 14.2).
        guard request.method == .get else {
            return RouteResponse(.ok, headers: headers, body: file.body(0..<file.size))
        }
        switch ByteRange.asked(by: request.headerFields, size: file.size, tag: file.tag, modified: file.modified) {
        case .whole:
            return RouteResponse(.ok, headers: headers, body: file.body(0..<file.size))
        case .part(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
            return RouteResponse(.partialContent, headers: headers, body: file.body(range))
        case .unsatisfiable:
            return RouteResponse(.rangeNotSatisfiable, headers: [.contentRange: "bytes */\(file.size)"])
        }
    }
}
