"""Frames that HTTP/2 forbids in their place, at their time or in their form (RFC 9113, sections 3.4 and 4 to 6)."""

import struct

from connection import (
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, PADDED, PING,
    PREFACE, PRIORITY, PRIORITY_FLAG, PROTOCOL_ERROR, PUSH_PROMISE, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE,
    case, frame, message, setting,
)


def connection_error(name, code, *frames):
    """A case in which these frames, sent at once, end the connection."""

    def run(server):
        connection = server.connect()
        connection.send(*frames)
        connection.goaway(code)

    run.__name__ = name
    case(run)


# The beginning of a connection


@case
def http_1_request(server):
    connection = server.connect(preface=False)
    connection.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    connection.closed()


@case
def preface_with_an_error(server):
    connection = server.connect(preface=False)
    connection.send(PREFACE[:-3] + b"X\r\n", frame(SETTINGS))
    connection.closed()


@case
def first_frame_is_not_settings(server):
    connection = server.connect(preface=False)
    connection.send(PREFACE)
    connection.request()
    connection.goaway(PROTOCOL_ERROR)


# SETTINGS

connection_error("settings_on_a_stream", PROTOCOL_ERROR, frame(SETTINGS, stream=1))
connection_error("settings_of_wrong_size", FRAME_SIZE_ERROR, frame(SETTINGS, payload=bytes(5)))
connection_error("settings_ack_with_payload", FRAME_SIZE_ERROR, frame(SETTINGS, ACK, payload=setting(1, 0)))
connection_error("enable_push_is_no_flag", PROTOCOL_ERROR, frame(SETTINGS, payload=setting(2, 2)))
connection_error("initial_window_too_large", FLOW_CONTROL_ERROR, frame(SETTINGS, payload=setting(4, 1 << 31)))
connection_error("max_frame_size_too_small", PROTOCOL_ERROR, frame(SETTINGS, payload=setting(5, (1 << 14) - 1)))
connection_error("max_frame_size_too_large", PROTOCOL_ERROR, frame(SETTINGS, payload=setting(5, 1 << 24)))

# PING, GOAWAY

connection_error("ping_on_a_stream", PROTOCOL_ERROR, frame(PING, stream=1, payload=bytes(8)))
connection_error("ping_of_wrong_size", FRAME_SIZE_ERROR, frame(PING, payload=bytes(7)))
connection_error("goaway_on_a_stream", PROTOCOL_ERROR, frame(GOAWAY, stream=1, payload=bytes(8)))
connection_error("goaway_of_wrong_size", FRAME_SIZE_ERROR, frame(GOAWAY, payload=bytes(7)))


@case
def goaway_lets_calls_end(server):
    connection = server.connect()
    stream = connection.request(method="Echo")
    connection.send(frame(GOAWAY, payload=struct.pack(">II", 0, 0)))
    connection.data(stream, message(b"late"), end=True)
    connection.status(stream, 0)


# RST_STREAM, WINDOW_UPDATE, PRIORITY

connection_error("rst_stream_on_the_connection", PROTOCOL_ERROR, frame(RST_STREAM, payload=bytes(4)))
connection_error("rst_stream_on_an_idle_stream", PROTOCOL_ERROR, frame(RST_STREAM, stream=1, payload=bytes(4)))
connection_error(
    "window_update_on_an_idle_stream", PROTOCOL_ERROR, frame(WINDOW_UPDATE, stream=1, payload=struct.pack(">I", 1))
)
connection_error("window_update_of_wrong_size", FRAME_SIZE_ERROR, frame(WINDOW_UPDATE, payload=bytes(3)))
connection_error("window_update_of_zero_on_the_connection", PROTOCOL_ERROR, frame(WINDOW_UPDATE, payload=bytes(4)))
connection_error("priority_on_the_connection", PROTOCOL_ERROR, frame(PRIORITY, payload=bytes(5)))


@case
def window_update_of_zero_on_a_stream(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(frame(WINDOW_UPDATE, stream=stream, payload=bytes(4)))
    connection.stream_error(stream, PROTOCOL_ERROR)


@case
def rst_stream_of_wrong_size(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(frame(RST_STREAM, stream=stream, payload=bytes(3)))
    connection.goaway(FRAME_SIZE_ERROR)


@case
def priority_of_wrong_size(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(frame(PRIORITY, stream=stream, payload=bytes(4)))
    connection.stream_error(stream, FRAME_SIZE_ERROR)


@case
def request_that_depends_on_itself(server):
    """An error in RFC 7540. RFC 9113 has no priorities any more, and allows to ignore them."""
    connection = server.connect()
    block = struct.pack(">IB", 1, 0) + connection.block(method="Echo")
    stream = connection.headers(block, PRIORITY_FLAG)
    connection.data(stream, message(b""), end=True)
    connection.stream_error(stream, PROTOCOL_ERROR)


# DATA


connection_error("data_on_the_connection", PROTOCOL_ERROR, frame(DATA, payload=message(b"")))
connection_error("data_on_an_idle_stream", PROTOCOL_ERROR, frame(DATA, stream=1, payload=message(b"")))


@case
def data_after_the_end_of_the_stream(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.data(stream, end=True)
    connection.data(stream, message(b""))
    connection.stream_error(stream, STREAM_CLOSED)


@case
def data_after_a_reset_is_ignored(server):
    """The frame may have been on its way."""
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(frame(RST_STREAM, stream=stream, payload=struct.pack(">I", 8)))
    connection.data(stream, message(b""), end=True)
    connection.call()


@case
def data_with_too_much_padding(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(frame(DATA, PADDED, stream, bytes([6]) + bytes(5)))
    connection.goaway(PROTOCOL_ERROR)


@case
def data_with_padding(server):
    connection = server.connect()
    stream = connection.request(method="Echo")
    connection.send(frame(DATA, PADDED | END_STREAM, stream, bytes([200]) + message(b"padded") + bytes(200)))
    connection.status(stream, 0)


@case
def frame_larger_than_announced(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(frame(DATA, 0, stream, bytes((1 << 14) + 1)))
    connection.stream_error(stream, FRAME_SIZE_ERROR)


# HEADERS, CONTINUATION, PUSH_PROMISE


@case
def headers_on_the_connection(server):
    connection = server.connect()
    connection.send(frame(HEADERS, END_HEADERS, 0, connection.block()))
    connection.goaway(PROTOCOL_ERROR)


@case
def headers_on_an_even_stream(server):
    connection = server.connect()
    connection.send(frame(HEADERS, END_HEADERS, 2, connection.block()))
    connection.goaway(PROTOCOL_ERROR)


@case
def headers_on_a_stream_that_was_skipped(server):
    """A new stream closes all idle streams below it (section 5.1.1), so this is an error. nghttp2 ignores the frame, as
    it might belong to a stream that was closed a moment ago. It must not become a call."""
    connection = server.connect()
    connection.next_stream = 5
    connection.waiting_call()
    connection.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, connection.block(method="Echo")))
    connection.call()
    assert not any("HeadersFrame(3" in entry for entry in connection.log), connection.history


@case
def headers_after_the_end_of_the_stream(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.data(stream, end=True)
    connection.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, connection.encode([("x", "y")])))
    connection.stream_error(stream, STREAM_CLOSED)


@case
def trailers_that_do_not_end_the_stream(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(frame(HEADERS, END_HEADERS, stream, connection.encode([("x", "y")])))
    connection.stream_error(stream, PROTOCOL_ERROR)


@case
def headers_with_too_much_padding(server):
    connection = server.connect()
    block = connection.block()
    connection.send(frame(HEADERS, END_HEADERS | PADDED, 1, bytes([255]) + block[:20]))
    connection.goaway(PROTOCOL_ERROR)


@case
def headers_too_short_for_their_priority(server):
    connection = server.connect()
    connection.send(frame(HEADERS, END_HEADERS | PRIORITY_FLAG, 1, bytes(4)))
    connection.goaway(FRAME_SIZE_ERROR)


@case
def continuation_without_headers(server):
    connection = server.connect()
    connection.send(frame(CONTINUATION, END_HEADERS, 1, connection.block()))
    connection.goaway(PROTOCOL_ERROR)


def interruption(name, kind, stream):
    """A case in which another frame comes between HEADERS and CONTINUATION."""

    def run(server):
        connection = server.connect()
        block = connection.block()
        connection.send(frame(HEADERS, 0, 1, block[:10]), frame(kind, 0, stream, bytes(8)))
        connection.goaway(PROTOCOL_ERROR)

    run.__name__ = name
    case(run)


interruption("ping_inside_a_header_block", PING, 0)
interruption("data_inside_a_header_block", DATA, 1)
interruption("other_headers_inside_a_header_block", HEADERS, 3)
interruption("continuation_of_another_stream", CONTINUATION, 3)
interruption("unknown_frame_inside_a_header_block", 0xEE, 0)


@case
def push_promise_from_a_client(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(frame(PUSH_PROMISE, END_HEADERS, stream, struct.pack(">I", 2) + connection.block()))
    connection.goaway(PROTOCOL_ERROR)


# Frames and settings that must be ignored (sections 4.1, 5.5 and 6.5.2)


@case
def unknown_frames_are_ignored(server):
    connection = server.connect()
    connection.send(frame(0xEE, 0xFF, 0, b"?"), frame(0xEE, 0xFF, 7, b"?"))
    connection.call()


@case
def unknown_settings_are_ignored(server):
    connection = server.connect(settings=setting(0xEEEE, 0xFFFFFFFF))
    connection.call()


@case
def unknown_flags_are_ignored(server):
    connection = server.connect()
    connection.send(frame(PING, 0xFE, 0, b"whatever"))
    connection.call()


@case
def reserved_bits_are_ignored(server):
    connection = server.connect()
    connection.send(frame(PING, 0, 1 << 31, b"whatever"))
    connection.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 31 | 1)))
    connection.call()


@case
def header_block_in_many_frames(server):
    connection = server.connect()
    stream = connection.new_stream()
    block = connection.block(method="Echo")
    third = len(block) // 3
    connection.send(
        frame(HEADERS, 0, stream, block[:third]), frame(CONTINUATION, 0, stream, block[third:2 * third]),
        frame(CONTINUATION, END_HEADERS, stream, block[2 * third:]),
    )
    connection.data(stream, message(b"whole"), end=True)
    connection.status(stream, 0)
