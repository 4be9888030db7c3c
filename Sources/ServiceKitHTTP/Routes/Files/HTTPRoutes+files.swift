import HTTPTypes
import ServiceKit

extension HTTPRoutes {
    /// Serves the files of a directory: `/assets/app.js` is `app.js` in it.
    ///
    /// Responses have an `ETag` and `Last-Modified`; conditional requests and `Range` are answered (RFC 9110, sections 13
    /// and 14). A path that ends in a slash is the file `index.html`. Hidden files, and files that a symbolic link brings
    /// in from outside of the directory, are not served.
    ///
    /// - Parameters:
    ///   - path: The path of the directory: `/assets`, or `/` for everything that has no route of its own.
    ///   - directory: The directory. A relative path begins at the working directory.
    ///   - cacheControl: The value of `cache-control`: `public, max-age=3600`. None by default.
    public func files(at path: String, from directory: String, cacheControl: String? = nil) {
        let files = StaticFiles(directory: directory, cacheControl: cacheControl)
        let prefix = path.hasSuffix("/") ? String(path.dropLast()) : path
        let description = RouteDescription(
            "The files of a directory.", parameters: [.path("path", .string, "The file in the directory.")],
            responses: [
                .init(.ok, .bytes("*/*"), "The file."), .init(.partialContent, .bytes("*/*"), "Parts of the file."),
                .init(.notModified, nil, "The client has the file."),
            ])
        get(prefix + "/{path=**}", describedBy: description) { request in
            try await files.response(to: request.head, path: request.parameters["path"] ?? "")
        }
    }
}
