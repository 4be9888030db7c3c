"""Requests that are valid HTTP/2, but not valid gRPC
(https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, compression.md)."""

import gzip
import struct
import zlib

from connection import (
    DEADLINE_EXCEEDED, INTERNAL, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, case, message,
)


def answered_with_http(name, http_status, *fields):
    def run(server):
        connection = server.connect()
        connection.http(connection.request(*fields), http_status)
        connection.call()

    run.__name__ = name
    case(run)


answered_with_http("content_type_of_others", 415, ("content-type", "application/json"))
answered_with_http("no_content_type", 415, ("content-type", None))
answered_with_http("content_type_of_grpc_web", 415, ("content-type", "application/grpc-web"))
answered_with_http("get", 405, (":method", "GET"))


def answered_with_status(name, code, *fields, data=message(b"x"), method="Echo"):
    """A case of a request with these fields and data. The connection and its other calls must go on."""

    def run(server):
        connection = server.connect()
        stream = connection.request(*fields, method=method)
        connection.data(stream, data, end=True)
        connection.status(stream, code)
        connection.call()

    run.__name__ = name
    case(run)


answered_with_status("no_te", INVALID_ARGUMENT, ("te", None))
answered_with_status("method_that_is_not_there", UNIMPLEMENTED, (":path", "/test.Raw/Nothing"))
answered_with_status("service_that_is_not_there", UNIMPLEMENTED, (":path", "/test.Nothing/Echo"))
answered_with_status("path_that_names_no_method", UNIMPLEMENTED, (":path", "/"))
answered_with_status("path_with_garbage", UNIMPLEMENTED, (":path", "/%/" + "x" * 1000 + "?\xff"))
answered_with_status("timeout_without_unit", INTERNAL, ("grpc-timeout", "10"))
answered_with_status("timeout_of_no_number", INTERNAL, ("grpc-timeout", "-1S"))
answered_with_status("timeout_with_too_many_digits", INTERNAL, ("grpc-timeout", "123456789S"))
answered_with_status("binary_metadata_of_no_base64", INTERNAL, ("x-bin", "*not base64*"))
answered_with_status("timeout_that_has_passed", DEADLINE_EXCEEDED, ("grpc-timeout", "1n"), method="Wait")

# Messages

answered_with_status("compressed_without_encoding", INTERNAL, data=message(gzip.compress(b"x"), flag=1))
answered_with_status(
    "compressed_with_identity", INTERNAL, ("grpc-encoding", "identity"), data=message(gzip.compress(b"x"), flag=1)
)
answered_with_status("flag_that_is_no_flag", INTERNAL, data=message(b"x", flag=2))
answered_with_status("message_cut_short", INTERNAL, data=message(b"whole")[:-1])
answered_with_status("prefix_cut_short", INTERNAL, data=bytes(3))
answered_with_status("message_of_four_gigabytes", RESOURCE_EXHAUSTED, data=struct.pack(">BI", 0, 0xFFFFFFFF))
answered_with_status("gzip_that_is_none", INTERNAL, ("grpc-encoding", "gzip"), data=message(b"not gzip", flag=1))
answered_with_status(
    "gzip_cut_short", INTERNAL, ("grpc-encoding", "gzip"), data=message(gzip.compress(bytes(1000))[:-9], flag=1)
)
answered_with_status(
    "gzip_with_wrong_checksum", INTERNAL, ("grpc-encoding", "gzip"),
    data=message(gzip.compress(b"x" * 100)[:-8] + bytes(8), flag=1),
)
answered_with_status(
    "deflate_that_is_gzip", INTERNAL, ("grpc-encoding", "deflate"), data=message(gzip.compress(b"x"), flag=1)
)
answered_with_status(
    "empty_compressed_message", INTERNAL, ("grpc-encoding", "gzip"), data=message(b"", flag=1)
)
# For a method that takes one message. grpc-swift chooses the code.
answered_with_status("no_message", INTERNAL, data=b"")
answered_with_status("two_messages", INTERNAL, data=message(b"x") * 2)


@case
def unknown_encoding(server):
    connection = server.connect()
    stream = connection.request(("grpc-encoding", "snappy"), method="Echo")
    connection.data(stream, message(b"x", flag=1), end=True)
    fields = connection.status(stream, UNIMPLEMENTED)
    assert "gzip" in fields["grpc-accept-encoding"], fields
    connection.call()


@case
def known_encodings(server):
    """The common part of these cases is valid."""
    connection = server.connect()
    for encoding, data in [("gzip", gzip.compress(b"hello")), ("deflate", zlib.compress(b"hello"))]:
        stream = connection.request(("grpc-encoding", encoding), method="Echo")
        connection.data(stream, message(data, flag=1), end=True)
        connection.status(stream, 0)
        assert connection.data_bytes[stream] == len(message(b"hello")), connection.history


@case
def message_larger_than_the_maximum(server):
    connection = server.connect()
    stream = connection.request(method="Echo")
    connection.data(stream, struct.pack(">BI", 0, server.limits["maxMessageBytes"] + 1) + b"the rest does not come")
    connection.status(stream, RESOURCE_EXHAUSTED)
    connection.call()


@case
def message_of_the_maximum(server):
    connection = server.connect()
    connection.call(bytes(server.limits["maxMessageBytes"] - 5)[:16000])


def bomb(name, encoding, compress):
    def run(server):
        connection = server.connect()
        stream = connection.request(("grpc-encoding", encoding), method="Echo")
        body = compress(bytes(server.limits["maxMessageBytes"] + 1))
        connection.data(stream, message(body, flag=1), end=True)
        connection.status(stream, RESOURCE_EXHAUSTED)
        # A message of a few kilobytes that would become gigabytes: a careless server would unpack gzip of gzip.
        stream = connection.request(("grpc-encoding", encoding), method="Echo")
        body = compress(bytes(10 << 20))
        connection.data(stream, message(body, flag=1), end=True)
        connection.status(stream, RESOURCE_EXHAUSTED)
        connection.call()

    run.__name__ = name
    case(run)


bomb("gzip_bomb", "gzip", gzip.compress)
bomb("deflate_bomb", "deflate", zlib.compress)
