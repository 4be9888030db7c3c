"""Sends heads of HTTP/2 that a server must refuse, and some that it must take. Exits with 1 if an answer is wrong."""

import socket
import sys

import h2.config
import h2.connection
import h2.events

PORT, HAS_GRPC = int(sys.argv[1]), len(sys.argv) > 2 and sys.argv[2] == "grpc"


def answer(headers):
    """The pseudo-header `:status`, the other headers and the number of bytes of a response."""
    client = socket.create_connection(("127.0.0.1", PORT))
    client.settimeout(20)
    connection = h2.connection.H2Connection(
        h2.config.H2Configuration(
            validate_outbound_headers=False, normalize_outbound_headers=False, validate_inbound_headers=False))
    connection.initiate_connection()
    connection.send_headers(1, headers, end_stream=True)
    client.sendall(connection.data_to_send())
    fields, size = {}, 0
    while True:
        data = client.recv(65536)
        if not data:
            return fields, size
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                fields = {name.decode(): value.decode("latin-1") for name, value in event.headers}
            elif isinstance(event, h2.events.DataReceived):
                size += len(event.data)
            elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)):
                client.close()
                return fields, size
        client.sendall(connection.data_to_send())


def head(path="/any", method="GET", authority="x", *extra):
    fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", authority)]
    return [field for field in fields if field[1] is not None] + list(extra)


long = "a" * 20000
cases = [
    ("a request", head(), "200"),
    ("a path with a null", head("/any\0"), "400"),
    ("an empty path", head(""), "400"),
    ("no path", head(None), "400"),
    ("a path without a slash", head("any"), "404"),
    ("a long path", head("/" + long), "431"),
    ("a long field", head("/any", "GET", "x", ("a", long)), "431"),
    ("many fields", head("/any", "GET", "x", *[(f"a{i}", "b") for i in range(200)]), "431"),
    ("a field with a line's end", head("/any", "GET", "x", ("a", "b\r\nc: d")), "400"),
    ("a field of HTTP/1.1", head("/any", "GET", "x", ("connection", "close")), "400"),
    ("a name in capitals", head("/any", "GET", "x", ("A", "b")), "400"),
    ("two methods", [(":method", "POST")] + head(), "400"),
    ("a method with a space", head("/any", "G T"), "400"),
    ("an empty method", head("/any", ""), "400"),
    ("a host with a user", head("/any", "GET", "me@x"), "400"),
    ("a host with a path", head("/any", "GET", "x/y"), "400"),
    ("a host with a space", head("/any", "GET", "x y"), "400"),
    ("a port that is none", head("/any", "GET", "x:http"), "400"),
    ("the same host twice", head("/any", "GET", "x", ("host", "X")), "200"),
    ("two hosts", head("/any", "GET", "x", ("host", "y")), "400"),
    ("two headers host", head("/any", "GET", None, ("host", "x"), ("host", "y")), "400"),
    ("a header host alone", head("/any", "GET", None, ("host", "x")), "200"),
    ("a header host that is none", head("/any", "GET", None, ("host", "x/y")), "400"),
    ("every target", head("*", "OPTIONS"), "204"),
    ("every target for GET", head("*"), "404"),
    ("HEAD", head("/any", "HEAD"), "200"),
    ("HEAD of nothing", head("/nothing", "HEAD"), "404"),
]
faults = []
for name, headers, status in cases:
    fields, size = answer(headers)
    if fields.get(":status") != status or "grpc-status" in fields:
        faults.append(f"{name}: {fields}, not {status}")
    if dict(headers).get(":method") == "HEAD" and size:
        faults.append(f"{name}: a body of {size} bytes")
if HAS_GRPC:
    for name, extra in [("behind", [("a", "b\0"), ("content-type", "application/grpc")]),
                        ("before", [("content-type", "application/grpc+proto"), ("a", "b\0")]),
                        ("too large", [("a", long), ("content-type", "application/grpc")])]:
        fields, _ = answer(head("/user.v1.UserService/GetUser", "POST", "x", ("te", "trailers"), *extra))
        if fields.get(":status") != "200" or fields.get("grpc-status") not in ("13", "8"):
            faults.append(f"gRPC, {name}: {fields}")
print("\n".join(faults))
sys.exit(1 if faults else 0)
