"""Clients that break TLS, and clients that break HTTP/2 over TLS."""

import socket
import ssl

from connection import PREFACE, PROTOCOL_ERROR, SETTINGS, case, frame


@case
def tls_client_that_says_nothing(server):
    server.connect_tcp().closed()


@case
def tls_handshake_that_stops(server):
    connection = server.connect_tcp()
    # The header of a record whose body does not come.
    connection.send(b"\x16\x03\x01\x02\x00\x01\x00")
    connection.closed()


@case
def tls_handshake_of_garbage(server):
    connection = server.connect_tcp()
    connection.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    connection.closed()


@case
def plaintext_http2_where_tls_is_spoken(server):
    connection = server.connect_tcp()
    connection.send(PREFACE, frame(SETTINGS))
    connection.closed()


@case
def tls_without_alpn(server):
    connection = server.connect(alpn=())
    connection.request(method="Echo")
    connection.closed()
    assert not connection.log, connection.history


@case
def tls_with_another_protocol(server):
    try:
        connection = server.connect(alpn=("http/1.1",))
    except (ssl.SSLError, ConnectionError):
        # It may end in the handshake (RFC 7301).
        return
    connection.closed()
    assert not connection.log, connection.history


@case
def tls_without_a_preface(server):
    server.connect(preface=False).closed()


@case
def tls_with_a_frame_error(server):
    connection = server.connect()
    connection.send(frame(SETTINGS, stream=1))
    connection.goaway(PROTOCOL_ERROR)


@case
def tls_client_that_is_gone_without_goodbye(server):
    """The TCP connection ends without close_notify."""
    connection = server.connect()
    connection.waiting_call()
    connection.socket.shutdown(socket.SHUT_RDWR)
    connection.close()
