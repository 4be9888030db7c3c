import CServiceKitNghttp2

/// The callbacks through which nghttp2 reports to an `HTTP2Connection`.
///
/// They are plain C functions: no Swift error may leave them. The pointer that nghttp2 hands them is the connection,
/// which keeps itself alive for as long as its session, and a stream's is the `HTTP2Stream`, which the connection keeps
/// until nghttp2 reports it closed or the session is gone.
// @unchecked: the callbacks are set once, by `shared`'s initialiser, and only read afterwards.
struct HTTP2Callbacks: @unchecked Sendable {
    static let shared = HTTP2Callbacks()

    /// `nil` only if there was no memory for it.
    let pointer: OpaquePointer?

    private init() {
        var callbacks: OpaquePointer?
        nghttp2_session_callbacks_new(&callbacks)
        pointer = callbacks
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, Self.onBeginFrame)
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, Self.onInvalidFrame)
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Self.onBeginHeaders)
        nghttp2_session_callbacks_set_on_header_callback(callbacks, Self.onHeader)
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Self.onFrameReceived)
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Self.onDataChunk)
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Self.onFrameSent)
        nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Self.onFrameNotSent)
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Self.onStreamClose)
        nghttp2_session_callbacks_set_error_callback2(callbacks, Self.onError)
    }

    private static func connection(_ user: UnsafeMutableRawPointer?) -> HTTP2Connection? {
        user.map { Unmanaged<HTTP2Connection>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func stream(_ session: OpaquePointer?, _ id: Int32) -> HTTP2Stream? {
        nghttp2_session_get_stream_user_data(session, id).map {
            Unmanaged<HTTP2Stream>.fromOpaque($0).takeUnretainedValue()
        }
    }

    private static func isSet(_ flag: nghttp2_flag, in flags: UInt8) -> Bool {
        flags & UInt8(flag.rawValue) != 0
    }

    private static let onBeginFrame: nghttp2_on_begin_frame_callback = { _, header, user in
        if let header = header?.pointee {
            connection(user)?.frameBegan(FrameKind(type: header.type, flags: header.flags, length: header.length))
        }
        return 0
    }

    private static let onInvalidFrame: nghttp2_on_invalid_frame_recv_callback = { session, frame, error, user in
        guard let frame, let connection = connection(user) else { return 0 }
        connection.frameRefused(stream(session, frame.pointee.hd.stream_id), HTTP2SessionError(code: Int(error)))
        return 0
    }

    private static let onBeginHeaders: nghttp2_on_begin_headers_callback = { _, frame, user in
        guard let frame, let connection = connection(user) else { return 0 }
        connection.headersBegan(
            id: frame.pointee.hd.stream_id,
            isRequest: frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
        )
        return 0
    }

    private static let onHeader: nghttp2_on_header_callback = { _, _, name, nameCount, value, valueCount, _, user in
        connection(user)?.headerReceived(
            name: UnsafeBufferPointer(start: name, count: nameCount),
            value: UnsafeBufferPointer(start: value, count: valueCount)
        )
        return 0
    }

    private static let onFrameReceived: nghttp2_on_frame_recv_callback = { session, frame, user in
        guard let frame, let connection = connection(user) else { return 0 }
        let header = frame.pointee.hd
        let endStream = isSet(NGHTTP2_FLAG_END_STREAM, in: header.flags)
        switch nghttp2_frame_type(UInt32(header.type)) {
        case NGHTTP2_DATA:
            if isSet(NGHTTP2_FLAG_PADDED, in: header.flags), !endStream {
                // `padlen` counts the byte that tells it.
                connection.frameBegan(header.length > frame.pointee.data.padlen ? .useful : .control)
            }
            if endStream, let stream = stream(session, header.stream_id) {
                connection.dataEnded(stream)
            }
        case NGHTTP2_HEADERS:
            if let stream = stream(session, header.stream_id) {
                connection.headersEnded(
                    stream, isRequest: frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST, endStream: endStream
                )
            }
        case NGHTTP2_SETTINGS:
            if !isSet(NGHTTP2_FLAG_ACK, in: header.flags) {
                connection.settingsReceived()
            }
        case NGHTTP2_PING:
            if isSet(NGHTTP2_FLAG_ACK, in: header.flags) {
                connection.pingAcknowledged(InlineArray(frame.pointee.ping.opaque_data))
            } else {
                connection.pingReceived()
            }
        case NGHTTP2_GOAWAY:
            let goAway = frame.pointee.goaway
            let debugData = UnsafeBufferPointer(start: goAway.opaque_data, count: goAway.opaque_data_len)
            connection.goAwayReceived(
                HTTP2ErrorCode(rawValue: goAway.error_code), debugData: String(decoding: debugData, as: UTF8.self)
            )
        default:
            break
        }
        return 0
    }

    private static let onDataChunk: nghttp2_on_data_chunk_recv_callback = { session, _, id, data, count, user in
        connection(user)?.dataReceived(
            UnsafeRawBufferPointer(start: data, count: count), id: id, stream: stream(session, id)
        )
        return 0
    }

    private static let onFrameSent: nghttp2_on_frame_send_callback = { session, frame, user in
        guard let frame, let connection = connection(user) else { return 0 }
        let header = frame.pointee.hd
        let type = nghttp2_frame_type(UInt32(header.type))
        if type == NGHTTP2_GOAWAY {
            connection.goAwaySent(HTTP2ErrorCode(rawValue: frame.pointee.goaway.error_code))
            return 0
        }
        guard type == NGHTTP2_HEADERS || type == NGHTTP2_DATA, let stream = stream(session, header.stream_id) else {
            return 0
        }
        connection.frameSent(stream, endStream: isSet(NGHTTP2_FLAG_END_STREAM, in: header.flags))
        return 0
    }

    private static let onFrameNotSent: nghttp2_on_frame_not_send_callback = { _, frame, error, user in
        guard let frame, let connection = connection(user) else { return 0 }
        if nghttp2_frame_type(UInt32(frame.pointee.hd.type)) == NGHTTP2_HEADERS {
            connection.headersNotSent(id: frame.pointee.hd.stream_id, HTTP2SessionError(code: Int(error)))
        }
        return 0
    }

    private static let onStreamClose: nghttp2_on_stream_close_callback = { session, id, code, user in
        connection(user)?.streamClosed(id: id, HTTP2ErrorCode(rawValue: code))
        return 0
    }

    private static let onError: nghttp2_error_callback2 = { _, _, message, count, user in
        let bytes = UnsafeRawBufferPointer(start: message, count: count)
        connection(user)?.errorReported(String(decoding: bytes, as: UTF8.self))
        return 0
    }

    /// Yields the data that a stream sends. The source is the stream.
    static let readData: nghttp2_data_source_read_callback = { session, id, buffer, length, flags, source, _ in
        guard let pointer = source?.pointee.ptr else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
        let stream = Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
        let (count, end) = stream.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: length))
        switch end {
        case .none:
            return count > 0 ? count : Int(NGHTTP2_ERR_DEFERRED.rawValue)
        case .data:
            flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        case .trailers(let fields):
            flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            _ = fields.withFields(around: nil) { fields in
                nghttp2_submit_trailer(session, id, fields.baseAddress, fields.count)
            }
        }
        return count
    }
}

/// The kind of a frame, for the bounds on a peer's frames.
enum FrameKind {
    /// It carries something.
    case useful
    /// It carries nothing, and brings no stream further.
    case control
    /// It ends a stream early.
    case reset
    /// It is counted elsewhere, or needs no bound.
    case other

    init(type: UInt8, flags: UInt8, length: Int) {
        switch nghttp2_frame_type(UInt32(type)) {
        case NGHTTP2_DATA:
            let endsStream = flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
            let isPadded = flags & UInt8(NGHTTP2_FLAG_PADDED.rawValue) != 0
            // The size without padding is known when the frame is whole.
            self = endsStream ? .useful : isPadded ? .other : length > 0 ? .useful : .control
        case NGHTTP2_RST_STREAM:
            self = .reset
        // Header blocks count when they belong to a stream; window updates answer bytes that were sent.
        case NGHTTP2_HEADERS, NGHTTP2_CONTINUATION, NGHTTP2_WINDOW_UPDATE, NGHTTP2_GOAWAY:
            self = .other
        default:
            self = .control
        }
    }
}

extension InlineArray<8, UInt8> {
    /// From an array as C has it.
    fileprivate init(_ bytes: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8)) {
        self = [bytes.0, bytes.1, bytes.2, bytes.3, bytes.4, bytes.5, bytes.6, bytes.7]
    }
}
