"""Header blocks that HPACK (RFC 7541) or HTTP (RFC 9113, section 8) forbids."""

from connection import (
    COMPRESSION_ERROR, DATA, END_HEADERS, END_STREAM, HEADERS, INTERNAL, PROTOCOL_ERROR, case, frame, message,
)


def broken_block(name, block):
    """A case of a header block that cannot be decompressed: the connection is lost, since its HPACK state is."""

    def run(server):
        connection = server.connect()
        connection.headers(block)
        connection.goaway(COMPRESSION_ERROR)

    run.__name__ = name
    case(run)


broken_block("hpack_index_zero", b"\x80")
broken_block("hpack_index_beyond_the_table", b"\xff\x80\x01")
broken_block("hpack_integer_without_end", b"\xff" + b"\xff" * 10)
broken_block("hpack_integer_cut_short", b"\xff\x80")
broken_block("hpack_string_cut_short", b"\x00\x05ab")
# EOS, which must not occur, then padding that is longer than seven bits.
broken_block("hpack_huffman_with_eos", b"\x00\x84\xff\xff\xff\xff\x01a")
broken_block("hpack_huffman_with_wrong_padding", b"\x00\x81\x00\x01a")
broken_block("hpack_table_larger_than_announced", b"\x3f\xe2\x1f")
broken_block("hpack_table_size_after_a_field", b"\x82\x20")


def malformed_request(name, *fields, method="Wait"):
    """A case of a request with these fields in place of, or beyond, the right ones: a stream error (section 8.1.1)."""

    def run(server):
        connection = server.connect()
        stream = connection.request(*fields, method=method)
        connection.stream_error(stream, PROTOCOL_ERROR)

    run.__name__ = name
    case(run)


malformed_request("uppercase_field_name", ("X-Upper", "y"))
malformed_request("field_name_with_a_space", ("x y", "z"))
malformed_request("empty_field_name", ("", "z"))
malformed_request("field_value_with_a_newline", ("x", "y\nz"))
malformed_request("field_value_with_a_zero_byte", ("x", "y\0z"))
malformed_request("connection_field", ("connection", "close"))
malformed_request("transfer_encoding_field", ("transfer-encoding", "chunked"))
malformed_request("upgrade_field", ("upgrade", "h2c"))
malformed_request("te_other_than_trailers", ("te", "gzip"))
malformed_request("no_method", (":method", None))
malformed_request("no_path", (":path", None))
malformed_request("no_scheme", (":scheme", None))
malformed_request("empty_path", (":path", ""))
malformed_request("unknown_pseudo_field", (":unknown", "x"))
malformed_request("pseudo_field_of_responses", (":status", "200"))
malformed_request("content_length_that_is_no_number", ("content-length", "many"))


def malformed_block(name, change):
    """A case like those above, with a list of fields that `change` has changed."""

    def run(server):
        connection = server.connect()
        fields = [
            (":method", "POST"), (":scheme", "http"), (":path", "/test.Raw/Wait"), (":authority", "x"),
            ("content-type", "application/grpc"), ("te", "trailers"), ("x-case", name),
        ]
        stream = connection.headers(connection.encode(change(fields)))
        connection.stream_error(stream, PROTOCOL_ERROR)

    run.__name__ = name
    case(run)


malformed_block("method_twice", lambda fields: [fields[0]] + fields)
malformed_block("path_twice", lambda fields: fields[:3] + [(":path", "/test.Raw/Echo")] + fields[3:])
malformed_block("pseudo_field_after_others", lambda fields: fields[1:] + fields[:1])
malformed_block("content_length_twice", lambda fields: fields + [("content-length", "1"), ("content-length", "2")])


@case
def a_refusal_names_the_field(server):
    connection = server.connect()
    for name, value in (("x-note", "a\nb"), ("X-Upper", "y"), ("connection", "close")):
        stream = connection.request((name, value))
        assert f'"{name}"' in connection.status(stream, INTERNAL)["grpc-message"]
        connection.stream_error(stream, PROTOCOL_ERROR)
    connection.call()


@case
def pseudo_field_in_trailers(server):
    connection = server.connect()
    stream = connection.waiting_call()
    block = connection.encode([(":path", "/test.Raw/Echo")])
    connection.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block))
    connection.stream_error(stream, PROTOCOL_ERROR)


@case
def trailers_of_a_request_are_ignored(server):
    connection = server.connect()
    stream = connection.request(method="Echo")
    connection.data(stream, message(b"trailed"))
    connection.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, connection.encode([("x-late", "y")])))
    connection.status(stream, 0)


@case
def trailers_of_a_request_that_do_not_end_it(server):
    connection = server.connect()
    stream = connection.waiting_call()
    connection.send(frame(HEADERS, END_HEADERS, stream, connection.encode([("x-late", "y")])))
    connection.stream_error(stream, PROTOCOL_ERROR)


def content_length(name, announced, sent):
    def run(server):
        connection = server.connect()
        stream = connection.request(("content-length", str(announced)))
        connection.send(frame(DATA, END_STREAM, stream, bytes(sent)))
        connection.stream_error(stream, PROTOCOL_ERROR)

    run.__name__ = name
    case(run)


content_length("less_than_the_content_length", 100, 50)
content_length("more_than_the_content_length", 50, 100)
content_length("more_than_no_content", 0, 5)
