"""More than a peer may send: each bound of the server's limits."""

import struct

from hyperframe.frame import RstStreamFrame

from connection import (
    ACK, CANCEL, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PADDED, PING,
    PRIORITY, PROTOCOL_ERROR, REFUSED_STREAM, RESOURCE_EXHAUSTED, RST_STREAM, SETTINGS, WINDOW_UPDATE, case, frame,
    message, setting,
)

# Header blocks


@case
def header_list_too_large(server):
    connection = server.connect()
    fields = [(f"x-{index}", "y" * 200) for index in range(server.limits["maxHeaderListBytes"] // 200)]
    connection.status(connection.request(*fields), RESOURCE_EXHAUSTED)
    connection.call()


@case
def too_many_header_fields(server):
    connection = server.connect()
    fields = [(f"x-{index}", "") for index in range(server.limits["maxHeaderFields"])]
    connection.status(connection.request(*fields), RESOURCE_EXHAUSTED)
    connection.call()


@case
def too_many_trailer_fields(server):
    connection = server.connect()
    stream = connection.waiting_call()
    block = connection.encode([(f"x-{index}", "") for index in range(server.limits["maxHeaderFields"] + 1)])
    connection.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block))
    connection.stream_error(stream, CANCEL, PROTOCOL_ERROR, ENHANCE_YOUR_CALM)
    connection.call()


@case
def hpack_bomb(server):
    """A field of four kilobytes goes into the table once. After that, one byte each time adds it to the header block:
    sixteen kilobytes expand to more than sixty megabytes."""
    connection = server.connect()
    connection.call()
    bomb = b"\x40\x01x\x7f\xa1\x1e" + b"y" * 4000
    stream = connection.headers(connection.block() + bomb + b"\xbe" * 12000, END_STREAM)
    connection.status(stream, RESOURCE_EXHAUSTED)


@case
def header_field_too_large(server):
    """A field of a hundred kilobytes: more than the HPACK decoder takes."""
    connection = server.connect()
    block = connection.block() + b"\x00\x01x\x7f\xa1\x8c\x06" + b"y" * 100_000
    frames = [block[start:start + 16384] for start in range(0, len(block), 16384)]
    connection.send(
        frame(HEADERS, 0, 1, frames[0]), *(frame(CONTINUATION, 0, 1, part) for part in frames[1:-1]),
        frame(CONTINUATION, END_HEADERS, 1, frames[-1]),
    )
    connection.goaway(COMPRESSION_ERROR)


def continuation_flood(name, payload):
    """A case of a header block that does not end (CVE-2024-28182)."""

    def run(server):
        connection = server.connect()
        connection.send(frame(HEADERS, 0, 1, connection.block()))
        for _ in range(100 * server.limits["maxContinuationFrames"]):
            if not connection.send(frame(CONTINUATION, 0, 1, payload)):
                break
        connection.closed()

    run.__name__ = name
    case(run)


continuation_flood("continuation_flood", b"\x00\x01x\x01y")
continuation_flood("empty_continuation_flood", b"")
continuation_flood("large_continuation_flood", (b"\x00\x01x\x64" + b"y" * 100) * 150)


# Frames that carry nothing


def control_flood(name, *frames, debug=None):
    """A case of frames that a peer may send, but not in this number. The server's answers are not read."""

    def run(server):
        connection = server.connect()
        # The allowance of ten seconds at once, then one more frame.
        for _ in range(20 * server.limits["maxControlFramesPerSecond"]):
            if not connection.send(*frames):
                break
        connection.goaway(ENHANCE_YOUR_CALM, debug=debug)

    run.__name__ = name
    case(run)


control_flood("settings_flood", frame(SETTINGS, payload=setting(3, 100)))
control_flood("ping_flood", frame(PING, payload=bytes(8)), debug=b"too_many_pings")
control_flood("ping_ack_flood", frame(PING, ACK, payload=bytes(8)))
control_flood("priority_flood", frame(PRIORITY, stream=1, payload=struct.pack(">IB", 0, 1)))
control_flood("unknown_frame_flood", frame(0xBE, payload=b"what is this?"))
control_flood("empty_unknown_frame_flood", frame(0xBE))


def empty_data_flood(name, flags, payload):
    def run(server):
        connection = server.connect()
        stream = connection.waiting_call()
        for _ in range(20 * server.limits["maxControlFramesPerSecond"]):
            if not connection.send(frame(DATA, flags, stream, payload)):
                break
        connection.goaway(ENHANCE_YOUR_CALM)

    run.__name__ = name
    case(run)


empty_data_flood("empty_data_flood", 0, b"")
empty_data_flood("padding_flood", PADDED, bytes([10]) + bytes(10))


@case
def too_many_pings(server):
    """The first two pings that come too soon are allowed."""
    connection = server.connect()
    connection.waiting_call()
    for _ in range(3):
        connection.ping()
    connection.send(frame(PING, payload=bytes(8)))
    connection.goaway(ENHANCE_YOUR_CALM, debug=b"too_many_pings")


@case
def pings_of_a_client_that_works(server):
    """Clients measure the connection with a ping now and then. After each response they may send another."""
    connection = server.connect()
    for _ in range(20 * server.limits["maxControlFramesPerSecond"]):
        connection.ping()
        connection.call()


# Streams


@case
def rapid_reset(server):
    """CVE-2023-44487."""
    connection = server.connect()
    for _ in range(20 * server.limits["maxResetsPerSecond"]):
        stream = connection.request()
        if not connection.send(frame(RST_STREAM, stream=stream, payload=struct.pack(">I", CANCEL))):
            break
    connection.goaway(ENHANCE_YOUR_CALM)


def made_you_reset(name, break_stream):
    """A case of streams that the server has to reset, since they are wrong (CVE-2025-8671)."""

    def run(server):
        connection = server.connect()
        for _ in range(20 * server.limits["maxResetsPerSecond"]):
            stream = connection.new_stream()
            if not connection.send(*break_stream(connection, stream)):
                break
        connection.goaway(ENHANCE_YOUR_CALM)

    run.__name__ = name
    case(run)


def request(connection, stream, *fields):
    return frame(HEADERS, END_HEADERS, stream, connection.block(*fields))


made_you_reset(
    "resets_by_window_overflow",
    lambda connection, stream: [
        request(connection, stream), frame(WINDOW_UPDATE, stream=stream, payload=struct.pack(">I", (1 << 31) - 1))
    ],
)
made_you_reset(
    "resets_by_malformed_requests", lambda connection, stream: [request(connection, stream, ("connection", "close"))]
)
made_you_reset(
    "resets_by_content_length",
    lambda connection, stream: [
        request(connection, stream, ("content-length", "1")), frame(DATA, END_STREAM, stream, bytes(5))
    ],
)


@case
def cancelling_now_and_then(server):
    """A client that completes most of its calls may cancel others."""
    connection = server.connect()
    for _ in range(12 * server.limits["maxResetsPerSecond"]):
        stream = connection.waiting_call()
        connection.send(frame(RST_STREAM, stream=stream, payload=struct.pack(">I", CANCEL)))
        connection.call()


@case
def more_streams_than_allowed(server):
    """Before the client has acknowledged the limit: it cannot know the limit, and may try again."""
    connection = server.connect(acks_settings=False)
    streams = [connection.request() for _ in range(server.limits["maxConcurrentCallsPerConnection"] + 1)]
    connection.until(lambda received: isinstance(received, RstStreamFrame) and received.stream_id == streams[-1])
    assert f"RstStreamFrame({streams[-1]}, error_code={REFUSED_STREAM})" in connection.log, connection.history
    # The other streams are still open.
    for stream in streams[:-1]:
        connection.send(frame(RST_STREAM, stream=stream, payload=struct.pack(">I", CANCEL)))
    connection.call()


@case
def more_streams_than_agreed(server):
    """After the client has acknowledged the limit, more streams are an error, and the connection may be ended."""
    connection = server.connect()
    for _ in range(server.limits["maxConcurrentCallsPerConnection"]):
        connection.waiting_call()
    stream = connection.request()
    connection.stream_error(stream, REFUSED_STREAM, PROTOCOL_ERROR)


@case
def more_unread_bytes_than_a_connection_holds(server):
    """Each call stays within its window, but there are many. One is given up, the others go on."""
    connection = server.connect()
    streams = [connection.waiting_call() for _ in range(server.limits["maxConcurrentCallsPerConnection"] - 1)]
    chunk = message(bytes(1019)) * 16
    per_stream = server.limits["streamWindowBytes"] // len(chunk)
    total = per_stream * len(streams) * len(chunk)
    assert total > server.limits["maxBufferedBytesPerConnection"], "the limits do not fit this case"
    for _ in range(per_stream):
        for stream in streams:
            connection.data_within_window(stream, chunk)
    connection.call()
    assert any(f"error_code={ENHANCE_YOUR_CALM})" in entry for entry in connection.log), connection.history
