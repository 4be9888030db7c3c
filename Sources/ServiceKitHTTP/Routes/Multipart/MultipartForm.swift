public import HTTPTypes
private import ServiceKit
private import Synchronization

/// The parts of a form with files, in their order, while they come.
///
/// A part's body is read before the next part is: what is left of it is passed over then.
public struct MultipartForm: AsyncSequence, Sendable {
    private let reader: MultipartReader

    fileprivate init(_ reader: MultipartReader) {
        self.reader = reader
    }

    /// Reads the parts.
    public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

    /// Reads the parts.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let reader: MultipartReader

        /// The next part; `nil` behind the last.
        ///
        /// - Throws: `ServiceError` 400 if the body is no form; an error if the client leaves.
        public mutating func next() async throws -> MultipartPart? { try await reader.nextPart() }
    }
}

/// A part of a form.
public struct MultipartPart: Sendable {
    /// The headers.
    public let headers: HTTPFields
    /// The name of the form's field.
    public let name: String
    /// The name of the file, as the client tells it; `nil` if the field is no file. It may be any text: never use it as a
    /// path.
    public let filename: String?
    /// The contents, as they come.
    public let body: RequestBody
}

extension RouteRequest {
    /// Reads the body as a form with files, `multipart/form-data`.
    ///
    /// ```swift
    /// for try await part in try request.multipart() where part.filename != nil {
    ///     let picture = try await part.body.collect(upTo: 1 << 20)
    /// }
    /// ```
    ///
    /// - Parameter maxParts: The most parts that are read; 100 by default.
    /// - Throws: `ServiceError` 415 if the body has another media type.
    public func multipart(maxParts: Int = 100) throws -> MultipartForm {
        let type = HeaderParameters(head.headerFields[.contentType] ?? "")
        guard type.value == "multipart/form-data", let boundary = type["boundary"],
            (1...70).contains(boundary.utf8.count)
        else {
            throw ServiceError(
                ServiceError.Code(rawValue: 415), reason: "UNSUPPORTED_MEDIA_TYPE",
                message: "the content type is not multipart/form-data with a boundary")
        }
        return MultipartForm(MultipartReader(body, MultipartParser(boundary: boundary, maxParts: maxParts)))
    }
}

/// Reads the parts of a form. It has one reader at a time.
private final class MultipartReader: Sendable {
    private struct State {
        var parser: MultipartParser
        /// The number of the part whose body is read.
        var part = 0
        var isInPart = false
    }

    private let body: RequestBody
    private let state: Mutex<State>

    init(_ body: RequestBody, _ parser: MultipartParser) {
        self.body = body
        state = Mutex(State(parser: parser))
    }

    func nextPart() async throws -> MultipartPart? {
        while true {
            switch try await nextEvent() {
            case .part(let headers):
                let number = state.withLock { state in
                    state.part += 1
                    state.isInPart = true
                    return state.part
                }
                let disposition = HeaderParameters(headers[.contentDisposition] ?? "")
                return MultipartPart(
                    headers: headers, name: disposition["name"] ?? "", filename: disposition["filename"],
                    body: RequestBody { try await self.nextPiece(of: number) })
            case .end: return nil
            case .partEnd: state.withLock { $0.isInPart = false }
            case .data, .needsMore: break
            }
        }
    }

    private func nextPiece(of part: Int) async throws -> [UInt8]? {
        guard state.withLock({ $0.part == part && $0.isInPart }) else { return nil }
        while true {
            switch try await nextEvent() {
            case .data(let bytes): return bytes
            case .partEnd, .part, .end:
                state.withLock { $0.isInPart = false }
                return nil
            case .needsMore: break
            }
        }
    }

    private func nextEvent() async throws -> MultipartParser.Event {
        while true {
            let event: MultipartParser.Event
            do {
                event = try state.withLock { try $0.parser.next() }
            } catch let error as MultipartError {
                throw ServiceError(
                    .badRequest, reason: "INVALID_ARGUMENT", message: "the form cannot be read: \(error.reason)")
            }
            guard event == .needsMore else { return event }
            var iterator = body.makeAsyncIterator()
            let piece = try await iterator.next()
            state.withLock { state in
                if let piece { state.parser.feed(piece) } else { state.parser.finish() }
            }
        }
    }
}
