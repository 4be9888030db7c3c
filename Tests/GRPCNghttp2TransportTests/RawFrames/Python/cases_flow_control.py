"""Breaches of flow control (RFC 9113, sections 5.2 and 6.9)."""

import struct

from hyperframe.frame import DataFrame

from connection import (
    FLOW_CONTROL_ERROR, SETTINGS, WINDOW_UPDATE, case, frame, message, setting,
)

MAX_WINDOW = (1 << 31) - 1
FRAME = 1 << 14


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, stream=stream, payload=struct.pack(">I", increment))


@case
def window_of_the_connection_overflows(server):
    connection = server.connect()
    connection.send(window_update(0, MAX_WINDOW))
    connection.goaway(FLOW_CONTROL_ERROR)


@case
def window_of_a_stream_overflows(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(window_update(stream, MAX_WINDOW))
    connection.stream_error(stream, FLOW_CONTROL_ERROR)


@case
def window_of_a_stream_overflows_by_settings(server):
    """A connection error by section 6.9.2. nghttp2 resets the affected streams instead, without harm."""
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(window_update(stream, MAX_WINDOW - 65535), frame(SETTINGS, payload=setting(4, 65536)))
    connection.stream_error(stream, FLOW_CONTROL_ERROR)


@case
def more_than_the_window_of_a_stream(server):
    """The handler reads nothing, so that the window is not given back."""
    connection = server.connect()
    stream = connection.waiting_call()
    for _ in range(server.limits["streamWindowBytes"] // FRAME):
        connection.data_within_window(stream, message(bytes(1019)) * 16)
    connection.ping()
    connection.data_within_window(stream, message(b""))
    connection.stream_error(stream, FLOW_CONTROL_ERROR)


@case
def more_than_the_window_of_the_connection(server):
    """The server gives the connection's window back as bytes come. So it must become unable to send: this client reads
    nothing, and gives it more and more to send."""
    connection = server.connect(settings=setting(4, MAX_WINDOW))
    connection.send(window_update(0, MAX_WINDOW - 65535))
    blast = connection.request(method="Blast")
    connection.response_headers(blast)
    streams = [connection.request() for _ in range(server.limits["maxConcurrentCallsPerConnection"] - 1)]
    for _ in range(server.limits["streamWindowBytes"] // FRAME):
        for stream in streams:
            if not connection.data(stream, message(bytes(1019)) * 16):
                break
    connection.goaway(FLOW_CONTROL_ERROR)


@case
def windows_of_a_few_bytes(server):
    """They are no error: the response comes as far as the windows are open, and no further."""
    connection = server.connect(settings=setting(4, 10))
    body = bytes(range(256))
    stream = connection.request(method="Echo")
    connection.data(stream, message(body), end=True)
    window = 10
    received = b""
    while len(received) < len(message(body)):
        part = connection.until(lambda part: isinstance(part, DataFrame))
        received += part.data
        window -= len(part.data)
        assert window >= 0, connection.history
        if window == 0:
            window = 7
            connection.send(window_update(stream, window))
    assert received == message(body), received
    connection.status(stream, 0)


@case
def window_that_becomes_negative(server):
    """By SETTINGS while a response is being sent (section 6.9.2)."""
    connection = server.connect(settings=setting(4, 1000))
    stream = connection.request(method="Echo")
    connection.data(stream, message(bytes(3000)), end=True)
    connection.until_true(lambda: connection.data_bytes[stream] == 1000)
    connection.send(frame(SETTINGS, payload=setting(4, 0)))
    # The window is at minus 1000. Up to zero nothing may come.
    connection.send(window_update(stream, 1000))
    connection.ping()
    assert connection.data_bytes[stream] == 1000, connection.history
    connection.send(window_update(stream, 5000))
    connection.status(stream, 0)
    assert connection.data_bytes[stream] == 3005, connection.history
