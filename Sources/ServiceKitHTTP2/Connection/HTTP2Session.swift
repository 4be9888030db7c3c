import CServiceKitNghttp2
import NIOCore

/// An error of nghttp2 that ends the connection.
struct HTTP2SessionError: Error, CustomStringConvertible {
    var code: Int

    var description: String {
        String(cString: nghttp2_strerror(Int32(clamping: code)))
    }
}

/// One nghttp2 session: HTTP/2 framing, header compression and the state of all streams of one connection.
///
/// It reads no socket and knows no call: bytes go in through `receive`, events come out at the connection's callbacks,
/// bytes to send come out of `send`. Use it on the connection's event loop only. nghttp2 forbids calls of `receive` and
/// `send` from within its callbacks; the other functions may be called there.
final class HTTP2Session {
    private let session: OpaquePointer
    /// nghttp2 refers to its memory.
    private let commonFields: CommonFields?

    /// Creates a session whose callbacks go to `connection`, which the caller keeps alive for as long as the session.
    init(connection: HTTP2Connection, config: HTTP2ConnectionConfig) throws {
        let limits = config.limits
        var option: OpaquePointer?
        try Self.check(nghttp2_option_new(&option))
        defer { nghttp2_option_del(option) }
        // Window is given back as readers read; see `ReceiveWindow`.
        nghttp2_option_set_no_auto_window_update(option, 1)
        // By default nghttp2 keeps closed streams for their priorities. The kit does not use priorities.
        nghttp2_option_set_no_closed_streams(option, 1)
        nghttp2_option_set_max_continuations(option, max(1, limits.maxContinuationFrames))
        // `HeaderRules` does it in nghttp2's place.
        nghttp2_option_set_no_http_messaging(option, 1)
        // The connection counts resets itself, and also resets that a peer provokes; see `FloodGuard`.
        nghttp2_option_set_stream_reset_rate_limit(option, UInt64(Int32.max), UInt64(Int32.max))
        commonFields = config.commonFields
        let user = Unmanaged.passUnretained(connection).toOpaque()
        var session: OpaquePointer?
        switch config.role {
        case .server:
            try Self.check(nghttp2_session_server_new2(&session, HTTP2Callbacks.shared.pointer, user, option))
        case .client:
            try Self.check(nghttp2_session_client_new2(&session, HTTP2Callbacks.shared.pointer, user, option))
        }
        guard let session else { throw HTTP2SessionError(code: Int(NGHTTP2_ERR_NOMEM.rawValue)) }
        self.session = session
        try submitSettings(role: config.role, limits: limits)
    }

    deinit {
        nghttp2_session_del(session)
    }

    private func submitSettings(role: HTTP2ConnectionConfig.Role, limits: TransportLimits) throws {
        var settings = [
            Self.setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, Self.clampedWindow(limits.streamWindowBytes)),
            Self.setting(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.maxHeaderListBytes),
        ]
        switch role {
        case .server(let maxConcurrentStreams):
            settings.append(Self.setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, maxConcurrentStreams))
        case .client:
            settings.append(Self.setting(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        }
        let flags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
        try Self.check(nghttp2_submit_settings(session, flags, settings, settings.count))
        let window = Int32(Self.clampedWindow(limits.connectionWindowBytes))
        try Self.check(nghttp2_session_set_local_window_size(session, flags, 0, window))
    }

    private static func setting(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
        nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(clamping: value))
    }

    private static func clampedWindow(_ bytes: Int) -> Int {
        min(max(1, bytes), Int(Int32.max))
    }

    private static func check(_ code: Int32) throws {
        guard code == 0 else { throw HTTP2SessionError(code: Int(code)) }
    }

    // MARK: - Bytes

    /// Takes bytes from the peer, and calls the callbacks.
    func receive(_ bytes: UnsafeRawBufferPointer) throws {
        let count = nghttp2_session_mem_recv(
            session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count
        )
        guard count >= 0 else { throw HTTP2SessionError(code: count) }
    }

    /// Moves bytes to send into `buffer`, until there are no more or `buffer` holds at least `enough` bytes.
    func send(into buffer: inout ByteBuffer, enough: Int) throws {
        var frame: UnsafePointer<UInt8>?
        while buffer.readableBytes < enough {
            let count = nghttp2_session_mem_send(session, &frame)
            guard count >= 0 else { throw HTTP2SessionError(code: count) }
            guard count > 0 else { return }
            buffer.writeBytes(UnsafeRawBufferPointer(start: frame, count: count))
        }
    }

    /// Whether there is nothing left to receive or to send.
    var isFinished: Bool {
        nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }

    // MARK: - Streams

    /// Names `stream` as the one with this number. The caller keeps it alive until the stream is closed.
    func setStream(_ stream: HTTP2Stream, id: Int32) {
        nghttp2_session_set_stream_user_data(session, id, Unmanaged.passUnretained(stream).toOpaque())
    }

    /// Submits a request and returns its number, or `nil` if the connection has used up its numbers. The caller keeps
    /// `stream` alive until it is closed.
    func submitRequest(_ head: StreamOutbound.Head, stream: HTTP2Stream) -> Int32? {
        let user = Unmanaged.passUnretained(stream).toOpaque()
        let id = head.fields.withFields(around: head.prefix == .none ? nil : commonFields) { fields in
            Self.withDataProvider(for: stream, unless: head.endStream) { provider in
                nghttp2_submit_request(session, nil, fields.baseAddress, fields.count, provider, user)
            }
        }
        return id > 0 ? id : nil
    }

    /// Submits the head of a response.
    func submitResponse(_ head: StreamOutbound.Head, stream: HTTP2Stream) {
        _ = head.fields.withFields(around: head.prefix == .none ? nil : commonFields) { fields in
            Self.withDataProvider(for: stream, unless: head.endStream) { provider in
                nghttp2_submit_response(session, stream.id, fields.baseAddress, fields.count, provider)
            }
        }
    }

    /// Submits the whole response of a stream, which keeps the fields until it is closed.
    func submitResponse(_ fields: PreparedFields, id: Int32) {
        _ = fields.withFields(behind: commonFields) { fields in
            nghttp2_submit_response(session, id, fields.baseAddress, fields.count, nil)
        }
    }

    private static func withDataProvider(
        for stream: HTTP2Stream,
        unless endStream: Bool,
        _ body: (UnsafePointer<nghttp2_data_provider>?) -> Int32
    ) -> Int32 {
        if endStream { return body(nil) }
        let provider = nghttp2_data_provider(
            source: nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque()),
            read_callback: HTTP2Callbacks.readData
        )
        return withUnsafePointer(to: provider, body)
    }

    /// Goes on sending data of a stream that had none.
    func resumeData(id: Int32) {
        // Fails if the stream was not waiting for data: then it goes on anyway.
        _ = nghttp2_session_resume_data(session, id)
    }

    func reset(id: Int32, _ code: HTTP2ErrorCode) {
        _ = nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code.rawValue)
    }

    // MARK: - Flow control

    func creditConnection(_ bytes: Int) {
        _ = nghttp2_session_consume_connection(session, bytes)
    }

    func creditStream(id: Int32, _ bytes: Int) {
        _ = nghttp2_session_consume_stream(session, id, bytes)
    }

    /// Whether this side, a client, can number one more stream: a connection has 2^30 numbers.
    var hasStreamNumbers: Bool {
        nghttp2_session_get_next_stream_id(session) <= UInt32(Int32.max)
    }

    // MARK: - The peer's limits

    /// The largest number of streams that the peer lets this side have open.
    var peerMaxConcurrentStreams: Int {
        Int(nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
    }

    /// The largest header block that can be sent.
    var peerMaxHeaderListBytes: Int {
        min(
            Int(nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE)),
            Self.maxSendHeaderBytes
        )
    }

    /// The largest header block that nghttp2 sends (NGHTTP2_MAX_HEADERSLEN).
    private static let maxSendHeaderBytes = 64 * 1024

    // MARK: - Ending

    /// Tells the peer to open no more streams here, and does not yet name the last stream that will be processed.
    func submitShutdownNotice() {
        _ = nghttp2_submit_shutdown_notice(session)
    }

    func submitPing(_ payload: InlineArray<8, UInt8>) {
        withUnsafeBytes(of: payload) { bytes in
            _ = nghttp2_submit_ping(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
        }
    }

    /// Tells the peer the number of the last stream that was or will be processed, and returns the number.
    func submitGoAway() -> Int32 {
        let last = nghttp2_session_get_last_proc_stream_id(session)
        _ = nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, HTTP2ErrorCode.noError.rawValue, nil, 0
        )
        return last
    }

    /// Tells the peer why the connection is about to end.
    func submitGoAway(_ code: HTTP2ErrorCode, debugData: StaticString) {
        let last = nghttp2_session_get_last_proc_stream_id(session)
        _ = nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, code.rawValue, debugData.utf8Start,
            debugData.utf8CodeUnitCount
        )
    }

    /// Ends the connection at once: the next `send` yields a last GOAWAY and nothing else.
    func terminate(_ code: HTTP2ErrorCode) {
        _ = nghttp2_session_terminate_session(session, code.rawValue)
    }
}
