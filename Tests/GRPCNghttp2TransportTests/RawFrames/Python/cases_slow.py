"""Peers that are slow, or go away in the middle."""

import socket
import struct

from connection import (
    HEADERS, PREFACE, SETTINGS, WINDOW_UPDATE, case, frame, message, setting,
)

MAX_WINDOW = (1 << 31) - 1


@case
def client_that_says_nothing(server):
    server.connect(preface=False).closed()


@case
def half_a_preface(server):
    connection = server.connect(preface=False)
    connection.send(PREFACE[:10])
    connection.closed()


@case
def preface_without_settings(server):
    connection = server.connect(preface=False)
    connection.send(PREFACE)
    connection.closed()


@case
def preface_byte_by_byte(server):
    """The time counts from the beginning, not from the last byte."""
    connection = server.connect(preface=False)
    connection.socket.settimeout(server.limits["handshakeTimeout"] / 8)
    for byte in PREFACE + frame(SETTINGS):
        if not connection.send(bytes([byte])):
            return
        try:
            # Paces the bytes, and sees the end.
            if not connection.socket.recv(65536):
                return
        except TimeoutError:
            pass
        except ConnectionError:
            return
    raise AssertionError("the server has waited for all of it")


@case
def client_that_does_not_read(server):
    """The server has much to send, and the client's window allows it, but the client does not read."""
    connection = server.connect(settings=setting(4, MAX_WINDOW))
    connection.send(frame(WINDOW_UPDATE, payload=struct.pack(">I", MAX_WINDOW - 65535)))
    stream = connection.request(method="Blast")
    connection.until_true(lambda: connection.data_bytes[stream] > 0)
    # The end of the handler shows that the server has closed: this client sees the close only when it reads.
    server.bystander.call(server.case.encode(), method="AwaitEnd")
    connection.closed()


@case
def client_that_ends_its_side(server):
    """The server cannot tell this client from one that is gone: its calls are cancelled."""
    connection = server.connect()
    connection.waiting_call()
    connection.socket.shutdown(socket.SHUT_WR)
    connection.closed()


@case
def client_that_is_gone(server):
    connection = server.connect()
    connection.waiting_call()
    connection.close()


@case
def client_that_is_gone_in_the_middle_of_a_frame(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(frame(0, 0, stream, message(bytes(1000)))[:500])
    connection.close()


@case
def client_that_is_gone_in_the_middle_of_a_header_block(server):
    connection = server.connect()
    connection.waiting_call()
    connection.send(frame(HEADERS, 0, connection.new_stream(), connection.block()[:20]))
    connection.close()


@case
def client_that_resets_the_connection(server):
    """With RST instead of FIN."""
    connection = server.connect()
    connection.waiting_call()
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
