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

    // Each call comes through some twenty callbacks. They do not count the references: that was 4 % of a served call. The
    // function that has nghttp2 take or make bytes holds the connection. The table of streams holds a stream until nghttp2
    // reports it closed, in a callback of its own, or until the session is gone, which no callback makes it.

    private static func with<Object: AnyObject>(
        _ type: Object.Type,
        _ pointer: UnsafeMutableRawPointer?,
        _ body: (Object) -> Void
    ) {
        if let pointer { Unmanaged<Object>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body) }
    }

    private static func withConnection(_ user: UnsafeMutableRawPointer?, _ body: (HTTP2Connection) -> Void) {
        with(HTTP2Connection.self, user, body)
    }

    private static func withStream(_ session: OpaquePointer?, _ id: Int32, _ body: (HTTP2Stream) -> Void) {
        with(HTTP2Stream.self, nghttp2_session_get_stream_user_data(session, id), body)
    }

    private static func isSet(_ flag: nghttp2_flag, in flags: UInt8) -> Bool {
        flags & UInt8(flag.rawValue) != 0
    }

    private static let onBeginFrame: nghttp2_on_begin_frame_callback = { _, header, user in
        if let header = header?.pointee {
            let kind = FrameKind(type: header.type, flags: header.flags, length: header.length)
            withConnection(user) { $0.frameBegan(kind) }
        }
        return 0
    }

    private static let onInvalidFrame: nghttp2_on_invalid_frame_recv_callback = { session, frame, error, user in
        guard let id = frame?.pointee.hd.stream_id else { return 0 }
        withConnection(user) { connection in
            withStream(session, id) { $0.refusal = $0.refusal ?? "\(HTTP2SessionError(code: Int(error)))" }
            // nghttp2 refuses the frame; it resets the stream, unless it gives up the connection.
            connection.streamWasBroken()
        }
        return 0
    }

    private static let onBeginHeaders: nghttp2_on_begin_headers_callback = { _, frame, user in
        guard let headers = frame?.pointee.headers else { return 0 }
        withConnection(user) {
            $0.headersBegan(id: headers.hd.stream_id, isRequest: headers.cat == NGHTTP2_HCAT_REQUEST)
        }
        return 0
    }

    private static let onHeader: nghttp2_on_header_callback = { _, _, name, nameCount, value, valueCount, _, user in
        withConnection(user) {
            $0.headerReceived(
                name: UnsafeBufferPointer(start: name, count: nameCount),
                value: UnsafeBufferPointer(start: value, count: valueCount)
            )
        }
        return 0
    }

    private static let onFrameReceived: nghttp2_on_frame_recv_callback = { session, frame, user in
        guard let frame else { return 0 }
        withConnection(user) { frameReceived(frame.pointee, session, $0) }
        return 0
    }

    private static func frameReceived(_ frame: nghttp2_frame, _ session: OpaquePointer?, _ connection: HTTP2Connection)
    {
        let header = frame.hd
        let endStream = isSet(NGHTTP2_FLAG_END_STREAM, in: header.flags)
        switch nghttp2_frame_type(UInt32(header.type)) {
        case NGHTTP2_DATA:
            if isSet(NGHTTP2_FLAG_PADDED, in: header.flags), !endStream {
                // `padlen` counts the byte that tells it.
                connection.frameBegan(header.length > frame.data.padlen ? .useful : .control)
            }
            if endStream {
                withStream(session, header.stream_id) { connection.dataEnded($0) }
            }
        case NGHTTP2_HEADERS:
            let isRequest = frame.headers.cat == NGHTTP2_HCAT_REQUEST
            withStream(session, header.stream_id) {
                connection.headersEnded($0, isRequest: isRequest, endStream: endStream)
            }
        case NGHTTP2_SETTINGS:
            if !isSet(NGHTTP2_FLAG_ACK, in: header.flags) {
                connection.settingsReceived()
            }
        case NGHTTP2_PING:
            if isSet(NGHTTP2_FLAG_ACK, in: header.flags) {
                connection.pingAcknowledged(InlineArray(frame.ping.opaque_data))
            } else {
                connection.pingReceived()
            }
        case NGHTTP2_GOAWAY:
            let debugData = UnsafeBufferPointer(start: frame.goaway.opaque_data, count: frame.goaway.opaque_data_len)
            connection.goAwayReceived(
                HTTP2ErrorCode(rawValue: frame.goaway.error_code),
                debugData: String(decoding: debugData, as: UTF8.self)
            )
        default:
            break
        }
    }

    private static let onDataChunk: nghttp2_on_data_chunk_recv_callback = { session, _, id, data, count, user in
        withConnection(user) { connection in
            let bytes = UnsafeRawBufferPointer(start: data, count: count)
            // It has no stream if that was reset on this side; the connection's window gets the bytes back all the same.
            connection.credit(bytes)
            withStream(session, id) { connection.dataReceived(bytes, id: id, stream: $0) }
        }
        return 0
    }

    private static let onFrameSent: nghttp2_on_frame_send_callback = { session, frame, user in
        guard let frame else { return 0 }
        let header = frame.pointee.hd
        switch nghttp2_frame_type(UInt32(header.type)) {
        case NGHTTP2_GOAWAY:
            let code = HTTP2ErrorCode(rawValue: frame.pointee.goaway.error_code)
            withConnection(user) { $0.goAwaySent(code) }
        case NGHTTP2_HEADERS, NGHTTP2_DATA:
            let endStream = isSet(NGHTTP2_FLAG_END_STREAM, in: header.flags)
            withConnection(user) { connection in
                withStream(session, header.stream_id) { connection.frameSent($0, endStream: endStream) }
            }
        default:
            break
        }
        return 0
    }

    private static let onFrameNotSent: nghttp2_on_frame_not_send_callback = { _, frame, error, user in
        guard let header = frame?.pointee.hd else { return 0 }
        if nghttp2_frame_type(UInt32(header.type)) == NGHTTP2_HEADERS {
            withConnection(user) { $0.headersNotSent(id: header.stream_id, HTTP2SessionError(code: Int(error))) }
        }
        return 0
    }

    private static let onStreamClose: nghttp2_on_stream_close_callback = { session, id, code, user in
        withConnection(user) { $0.streamClosed(id: id, HTTP2ErrorCode(rawValue: code)) }
        return 0
    }

    private static let onError: nghttp2_error_callback2 = { _, _, message, count, user in
        let bytes = UnsafeRawBufferPointer(start: message, count: count)
        withConnection(user) { $0.errorReported(String(decoding: bytes, as: UTF8.self)) }
        return 0
    }

    /// Yields the data that a stream sends. The source is the stream.
    static let readData: nghttp2_data_source_read_callback = { session, id, buffer, length, flags, source, _ in
        guard let pointer = source?.pointee.ptr else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
        let (count, end) = Unmanaged<HTTP2Stream>.fromOpaque(pointer)._withUnsafeGuaranteedRef {
            $0.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: length))
        }
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
