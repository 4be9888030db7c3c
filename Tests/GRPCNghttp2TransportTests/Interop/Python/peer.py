"""The other side of the interoperability tests: a server and a client on gRPC for Python, messages being raw bytes.

    peer.py server             prints its port; serves until its standard input ends
    peer.py client PORT NAME   runs one check against a server; its exit code tells the outcome
"""

import sys
import threading
from concurrent import futures

import grpc

SERVICE = "test.Raw"
ALL_BYTES = bytes(range(256))
OPTIONS = [("grpc.max_receive_message_length", 16 << 20), ("grpc.max_send_message_length", 16 << 20)]
UNICODE = "größer ☃ 100%\nline"
# A space at the end.
PADDED = "user not found: "
METADATA = (("text", "a value"), ("text", "another"), ("all-bin", ALL_BYTES), ("empty-bin", b""))


def own(metadata):
    """The metadata of the tests, without additions of libraries."""
    return [(key, value) for key, value in metadata if key in ("text", "all-bin", "empty-bin")]


def serve():
    cancelled = threading.Semaphore(0)

    def echo(request, context):
        return request

    def join(requests, context):
        return b"".join(requests)

    def split(request, context):
        for byte in request:
            yield bytes([byte])

    def echo_each(requests, context):
        yield from requests

    def reflect(request, context):
        metadata = own(context.invocation_metadata())
        context.send_initial_metadata(metadata)
        context.set_trailing_metadata(metadata)
        return b""

    def fail(request, context):
        context.set_trailing_metadata((("detail-bin", ALL_BYTES),))
        context.abort(grpc.StatusCode.NOT_FOUND, UNICODE)

    def padded(request, context):
        """Answers with white space that HTTP/2 forbids. gRPC allows to send it, and to drop it."""
        context.set_trailing_metadata((("x-note", " padded "),))
        context.abort(grpc.StatusCode.NOT_FOUND, PADDED)

    def note(request, context):
        return dict(context.invocation_metadata())["x-note"].encode()

    def wait(requests, context):
        if not context.add_callback(cancelled.release):
            cancelled.release()
        context.send_initial_metadata(())
        for _ in requests:
            pass
        return b""

    def await_cancelled(request, context):
        return b"yes" if cancelled.acquire(timeout=30) else b"no"

    handlers = {
        "Echo": grpc.unary_unary_rpc_method_handler(echo),
        "Join": grpc.stream_unary_rpc_method_handler(join),
        "Split": grpc.unary_stream_rpc_method_handler(split),
        "EchoEach": grpc.stream_stream_rpc_method_handler(echo_each),
        "Reflect": grpc.unary_unary_rpc_method_handler(reflect),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "Padded": grpc.unary_unary_rpc_method_handler(padded),
        "Note": grpc.unary_unary_rpc_method_handler(note),
        "Wait": grpc.stream_unary_rpc_method_handler(wait),
        "AwaitCancelled": grpc.unary_unary_rpc_method_handler(await_cancelled),
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=OPTIONS)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(5).wait()


class Checks:
    """The checks of a server; each is one method."""

    def __init__(self, port):
        self.port = port
        self.channel = self.connect()

    def connect(self, *options):
        return grpc.insecure_channel(f"127.0.0.1:{self.port}", options=[*OPTIONS, *options])

    def path(self, method):
        return f"/{SERVICE}/{method}"

    def unary(self, method, *arguments, **options):
        return self.channel.unary_unary(self.path(method))(*arguments, timeout=options.pop("timeout", 30), **options)

    def failure(self, call):
        try:
            call()
        except grpc.RpcError as error:
            return error
        raise AssertionError("the call did not fail")

    def echo(self):
        assert self.unary("Echo", b"hello") == b"hello"
        assert self.unary("Echo", b"") == b""

    def client_streaming(self):
        call = self.channel.stream_unary(self.path("Join"))
        assert call((bytes([i]) for i in range(200)), timeout=30) == bytes(range(200))

    def server_streaming(self):
        call = self.channel.unary_stream(self.path("Split"))
        assert b"".join(call(bytes(range(200)), timeout=30)) == bytes(range(200))

    def bidirectional_streaming(self):
        answers = threading.Semaphore(1)

        def requests():
            # Each message is sent after the answer to the message before it.
            for i in range(100):
                assert answers.acquire(timeout=30)
                yield bytes([i])

        received = []
        for answer in self.channel.stream_stream(self.path("EchoEach"))(requests(), timeout=30):
            received.append(answer)
            answers.release()
        assert received == [bytes([i]) for i in range(100)]

    def metadata(self):
        call = self.channel.unary_unary(self.path("Reflect"))
        _, outcome = call.with_call(b"", metadata=METADATA, timeout=30)
        assert own(outcome.initial_metadata()) == list(METADATA), outcome.initial_metadata()
        assert own(outcome.trailing_metadata()) == list(METADATA), outcome.trailing_metadata()

    def error(self):
        error = self.failure(lambda: self.unary("Fail", b""))
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        assert error.details() == UNICODE, repr(error.details())
        assert ("detail-bin", ALL_BYTES) in error.trailing_metadata(), error.trailing_metadata()

    def padded(self):
        """White space at the ends of values, in both directions."""
        assert self.unary("Note", b"", metadata=(("x-note", " padded "),)) == b"padded"
        error = self.failure(lambda: self.unary("Padded", b""))
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        assert error.details() == PADDED, repr(error.details())
        assert ("x-note", "padded") in error.trailing_metadata(), error.trailing_metadata()

    def authorities(self):
        """The authorities that clients send for a Unix domain socket."""
        for authority in ("/tmp/x.sock", "%2Ftmp%2Fx.sock", "localhost"):
            with self.connect(("grpc.default_authority", authority)) as channel:
                assert channel.unary_unary(self.path("Echo"))(b"hello", timeout=30) == b"hello"

    def unknown_method(self):
        error = self.failure(lambda: self.unary("Nothing", b""))
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error

    def deadline(self):
        # The connection is made first, so that the time limit does not pass during it.
        self.unary("Echo", b"")
        call = self.channel.stream_unary(self.path("Wait"))
        done = threading.Event()

        def requests():
            done.wait(30)
            yield from ()

        # Long enough for the call to reach the server.
        error = self.failure(lambda: call(requests(), timeout=3))
        done.set()
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
        assert self.unary("AwaitCancelled", b"") == b"yes"

    def cancellation(self):
        done = threading.Event()

        def requests():
            done.wait(30)
            yield from ()

        call = self.channel.stream_stream(self.path("Wait"))(requests())
        call.initial_metadata()
        call.cancel()
        done.set()
        assert call.code() == grpc.StatusCode.CANCELLED, call
        assert self.unary("AwaitCancelled", b"") == b"yes"

    def large_messages(self):
        message = ALL_BYTES * (12 << 10)
        assert self.unary("Echo", message) == message
        call = self.channel.stream_stream(self.path("EchoEach"))
        assert list(call(iter([message] * 3), timeout=30)) == [message] * 3

    def message_over_the_limit(self):
        error = self.failure(lambda: self.unary("Echo", bytes(5 << 20)))
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
        assert self.unary("Echo", b"next") == b"next"

    def compression(self):
        message = ALL_BYTES * 100
        for algorithm in (grpc.Compression.Gzip, grpc.Compression.Deflate):
            assert self.unary("Echo", message, compression=algorithm) == message

    def many_calls(self):
        call = self.channel.unary_unary(self.path("Echo"))
        pending = [call.future(str(i).encode(), timeout=30) for i in range(2000)]
        for i, future in enumerate(pending):
            assert future.result() == str(i).encode()


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve()
    else:
        getattr(Checks(sys.argv[2]), sys.argv[3])()
