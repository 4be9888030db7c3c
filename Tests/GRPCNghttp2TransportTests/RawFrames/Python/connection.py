"""A client's connection that can send any bytes, and checks of the server's answers."""

import socket
import ssl
import struct
from collections import Counter

from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame, DataFrame, Frame, GoAwayFrame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame,
    WindowUpdateFrame,
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# The time limit of every wait, in seconds; a case that waits longer has failed.
TIMEOUT = 20

NO_ERROR = 0
PROTOCOL_ERROR = 1
FLOW_CONTROL_ERROR = 3
STREAM_CLOSED = 5
FRAME_SIZE_ERROR = 6
REFUSED_STREAM = 7
CANCEL = 8
COMPRESSION_ERROR = 9
ENHANCE_YOUR_CALM = 11

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY_FLAG = 0x20

CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
RESOURCE_EXHAUSTED = 8
UNIMPLEMENTED = 12
INTERNAL = 13


def frame(kind, flags=0, stream=0, payload=b""):
    """A frame, valid or not."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def setting(identifier, value):
    return struct.pack(">HI", identifier, value)


def message(body, flag=0):
    """A message of gRPC with its prefix."""
    return struct.pack(">BI", flag, len(body)) + body


class Ended(AssertionError):
    """The connection ended although more was expected."""


class Connection:
    def __init__(self, port, case, settings=b"", preface=True, acks_settings=True, tls=None, alpn=("h2",)):
        self.case = case
        self.acks_settings = acks_settings
        context = None
        if tls:
            # Made first, since the server bounds the time of the handshake.
            context = ssl.create_default_context(cafile=f"{tls}/ca.pem")
            if alpn:
                context.set_alpn_protocols(list(alpn))
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.buffer = b""
        self.next_stream = 1
        # All received frames, for the message when another frame was expected.
        self.log = []
        # The received bytes of data, by stream.
        self.data_bytes = Counter()
        # The server's window for all streams together.
        self.window = 65535
        if preface:
            self.send(PREFACE, frame(SETTINGS, payload=settings))

    # Sending

    def send(self, *parts):
        """Sends bytes. Returns `False` if the server has gone."""
        try:
            self.socket.sendall(b"".join(parts))
            return True
        except (ConnectionError, ssl.SSLError):
            return False
        except TimeoutError:
            raise AssertionError(f"the server neither reads nor closes; {self.history}") from None

    def block(self, *fields, method="Wait"):
        """The header block of a request; `fields` replace those of the same name, `None` removes one."""
        request = {
            ":method": "POST", ":scheme": "http", ":path": f"/test.Raw/{method}", ":authority": "x",
            "content-type": "application/grpc", "te": "trailers", "x-case": self.case,
        }
        request.update(fields)
        return self.encoder.encode([(name, value) for name, value in request.items() if value is not None])

    def encode(self, fields):
        """A header block of just these fields."""
        return self.encoder.encode(fields)

    def new_stream(self):
        stream = self.next_stream
        self.next_stream += 2
        return stream

    def request(self, *fields, method="Wait", end=False):
        """Sends the headers of a request, and returns the number of its stream."""
        return self.headers(self.block(*fields, method=method), END_STREAM if end else 0)

    def headers(self, block, flags=0):
        """Sends a header block on a new stream, in one frame, and returns the stream's number."""
        stream = self.new_stream()
        self.send(frame(HEADERS, END_HEADERS | flags, stream, block))
        return stream

    def waiting_call(self):
        """Begins a call whose handler waits until it is cancelled; it is running when this returns."""
        stream = self.request()
        self.response_headers(stream)
        return stream

    def data_within_window(self, stream, payload):
        """Sends data as far as the connection's window allows; the caller has to respect the stream's window."""
        self.until_true(lambda: self.window >= len(payload))
        self.window -= len(payload)
        self.data(stream, payload)

    def data(self, stream, payload=b"", end=False):
        return self.send(frame(DATA, END_STREAM if end else 0, stream, payload))

    # Receiving

    @property
    def history(self):
        return f"what came: {self.log or 'nothing'}"

    def read(self, count):
        while len(self.buffer) < count:
            try:
                chunk = self.socket.recv(65536)
            except TimeoutError:
                raise AssertionError(f"nothing more came; {self.history}") from None
            except (ConnectionError, ssl.SSLError):
                chunk = b""
            if not chunk:
                raise Ended(f"the connection ended; {self.history}")
            self.buffer += chunk
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def receive(self):
        """The next frame. Settings are acknowledged, header blocks decoded."""
        received, length = Frame.parse_frame_header(memoryview(self.read(9)))
        received.parse_body(memoryview(self.read(length)))
        self.log.append(f"{type(received).__name__}({received.stream_id}, {received._body_repr()[:80]})")
        if isinstance(received, SettingsFrame) and "ACK" not in received.flags:
            if self.acks_settings:
                self.send(frame(SETTINGS, ACK))
        if isinstance(received, DataFrame):
            self.data_bytes[received.stream_id] += len(received.data)
        if isinstance(received, HeadersFrame):
            received.fields = dict(self.decoder.decode(received.data))
        if isinstance(received, WindowUpdateFrame) and received.stream_id == 0:
            self.window += received.window_increment
        assert not isinstance(received, ContinuationFrame)
        return received

    def until(self, predicate):
        """The first frame that satisfies `predicate`."""
        while True:
            received = self.receive()
            if predicate(received):
                return received

    def until_true(self, condition):
        """Receives frames until `condition` holds."""
        while not condition():
            self.receive()

    # Checks

    def goaway(self, *codes, debug=None):
        """The connection is ended, with one of these errors."""
        received = self.until(lambda received: isinstance(received, GoAwayFrame) and received.error_code != NO_ERROR)
        assert received.error_code in codes, f"{received} instead of {codes}; {self.history}"
        assert debug is None or received.additional_data == debug, received
        self.closed()

    def closed(self):
        """The connection is closed by the server."""
        try:
            while True:
                self.receive()
        except Ended:
            pass

    def stream_error(self, stream, *codes):
        """The stream is reset with one of these errors. The connection may end with it as well, as any endpoint may
        take a stream error for a connection error (RFC 9113, section 5.4)."""
        received = self.until(
            lambda received: isinstance(received, GoAwayFrame)
            or isinstance(received, RstStreamFrame) and received.stream_id == stream
        )
        assert received.error_code in codes, f"{received} instead of {codes}; {self.history}"

    def response_headers(self, stream):
        return self.until(lambda received: isinstance(received, HeadersFrame) and received.stream_id == stream).fields

    def trailers(self, stream):
        return self.until(
            lambda received: isinstance(received, HeadersFrame) and received.stream_id == stream
            and "END_STREAM" in received.flags
        ).fields

    def status(self, stream, *codes):
        """The call ends with one of these codes of gRPC."""
        fields = self.trailers(stream)
        assert fields.get("grpc-status") in map(str, codes), f"{fields} instead of {codes}"
        return fields

    def http(self, stream, status):
        """The answer is not gRPC."""
        fields = self.response_headers(stream)
        assert fields[":status"] == str(status), fields
        assert "grpc-status" not in fields, fields

    def call(self, body=b"hello", method="Echo"):
        """A valid call, which must succeed."""
        stream = self.request(method=method)
        self.data(stream, message(body), end=True)
        received = b""
        while True:
            part = self.receive()
            if part.stream_id != stream:
                assert not isinstance(part, GoAwayFrame), f"{part}; {self.history}"
                continue
            if isinstance(part, DataFrame):
                received += part.data
            elif isinstance(part, HeadersFrame) and "END_STREAM" in part.flags:
                assert part.fields["grpc-status"] == "0", part.fields
                assert method != "Echo" or received == message(body), received
                return received[5:]
            assert not isinstance(part, RstStreamFrame), f"{part}; {self.history}"

    def ping(self):
        """Returns when the server has processed all earlier frames."""
        self.send(frame(PING, payload=b"are you?"))
        self.until(lambda received: isinstance(received, PingFrame) and "ACK" in received.flags)

    def close(self):
        self.socket.close()


class Server:
    """The server of the cases, and its bounds."""

    def __init__(self, port, case, limits, tls, bystander):
        self.port = port
        self.case = case
        self.limits = limits
        self.tls = tls
        # A connection that stays open all the time, independent of the case.
        self.bystander = bystander
        self.connections = []

    def connect(self, **options):
        connection = Connection(self.port, self.case, tls=options.pop("tls", self.tls), **options)
        self.connections.append(connection)
        return connection

    def connect_tcp(self):
        """A connection that sends nothing, not even a TLS handshake."""
        return self.connect(preface=False, tls=None)

    def disconnect(self):
        for connection in self.connections:
            connection.close()


# The cases of each subject, by their names.
CASES = {}


def case(function):
    """Registers a case. It gets a `Server`; its subject is the module's."""
    subject = function.__module__.removeprefix("cases_")
    CASES.setdefault(subject, {})[function.__name__] = function
    return function
