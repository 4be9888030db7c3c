import HTTPTypes

/// The conditions of a request for a file (RFC 9110, section 13).
enum Preconditions {
    case met
    /// The client has the file already.
    case notModified
    /// The file is not the one that the client means.
    case failed

    /// Checks the conditions of a GET or HEAD.
    ///
    /// - Parameters:
    ///   - headers: The request's headers.
    ///   - tag: The file's entity tag.
    ///   - modified: The time of its last change, in seconds since 1970.
    static func check(_ headers: HTTPFields, tag: String, modified: Int) -> Preconditions {
        if let tags = headers[.ifMatch] {
            guard names(tags, tag, weakly: false) else { return .failed }
        } else if let date = headers[.ifUnmodifiedSince].flatMap(HTTPDate.seconds), modified > date {
            return .failed
        }
        if let tags = headers[.ifNoneMatch] { return names(tags, tag, weakly: true) ? .notModified : .met }
        if let date = headers[.ifModifiedSince].flatMap(HTTPDate.seconds), modified <= date { return .notModified }
        return .met
    }

    /// Whether a list of tags names a tag.
    private static func names(_ list: String, _ tag: String, weakly: Bool) -> Bool {
        list.split(separator: ",").contains { item in
            let item = item.drop { $0 == " " || $0 == "\t" }.trimmingSuffix { $0 == " " || $0 == "\t" }
            return item == "*" || item == tag || weakly && item == "W/" + tag
        }
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
        var end = endIndex
        while end > startIndex, predicate(self[index(before: end)]) { end = index(before: end) }
        return self[..<end]
    }
}
