"""The client of the interoperability tests: each case is one method, with its name in gRPC's description."""

import os
import queue

import grpc

from interop_messages import AS_RECEIVED, INITIAL_KEY, SERVICE, TRAILING_KEY, messages, receiver, zeros

METADATA = ((INITIAL_KEY, "test_initial_metadata_value"), (TRAILING_KEY, b"\xab\xab\xab"))
SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
TIMEOUT = 30


def large_request(**fields):
    return messages.SimpleRequest(response_size=314159, payload=zeros(271828), **fields)


def output_request(payload_size, *response_sizes):
    return messages.StreamingOutputCallRequest(
        payload=zeros(payload_size),
        response_parameters=[messages.ResponseParameters(size=size) for size in response_sizes],
    )


def flag(value):
    return messages.BoolValue(value=value)


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call did not fail")


def expect(code, call, message=None):
    error = failure(call)
    assert error.code() == code, error
    assert message is None or error.details() == message, repr(error.details())


class Requests:
    """A stream of requests that stays open until it is ended."""

    def __init__(self, *requests):
        self.queue = queue.Queue()
        for request in requests:
            self.queue.put(request)

    def send(self, request):
        self.queue.put(request)

    def end(self):
        self.queue.put(None)

    def __iter__(self):
        return iter(self.queue.get, None)


class Cases:
    def __init__(self, port, certificates):
        target = f"127.0.0.1:{port}"
        if certificates:
            self.channel = grpc.secure_channel(target, certificates.channel_credentials(), options=AS_RECEIVED)
        else:
            self.channel = grpc.insecure_channel(target, options=AS_RECEIVED)

    def method(self, kind, name, response, service=SERVICE):
        return kind(
            f"/{service}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=receiver(response),
        )

    @property
    def empty_call(self):
        return self.method(self.channel.unary_unary, "EmptyCall", messages.Empty)

    @property
    def unary_call(self):
        return self.method(self.channel.unary_unary, "UnaryCall", messages.SimpleResponse)

    @property
    def streaming_input_call(self):
        return self.method(self.channel.stream_unary, "StreamingInputCall", messages.StreamingInputCallResponse)

    @property
    def streaming_output_call(self):
        return self.method(self.channel.unary_stream, "StreamingOutputCall", messages.StreamingOutputCallResponse)

    @property
    def full_duplex_call(self):
        return self.method(self.channel.stream_stream, "FullDuplexCall", messages.StreamingOutputCallResponse)

    # The kinds of calls

    def empty_unary(self):
        assert self.empty_call(messages.Empty(), timeout=TIMEOUT).message == messages.Empty()

    def large_unary(self):
        response = self.unary_call(large_request(), timeout=TIMEOUT).message
        assert response.payload == zeros(314159)

    def client_streaming(self):
        sizes = [27182, 8, 1828, 45904]
        requests = [messages.StreamingInputCallRequest(payload=zeros(size)) for size in sizes]
        response = self.streaming_input_call(iter(requests), timeout=TIMEOUT).message
        assert response.aggregated_payload_size == 74922, response

    def server_streaming(self):
        sizes = [31415, 9, 2653, 58979]
        responses = self.streaming_output_call(output_request(0, *sizes), timeout=TIMEOUT)
        assert [response.message.payload for response in responses] == [zeros(size) for size in sizes]

    def ping_pong(self):
        requests = Requests()
        responses = self.full_duplex_call(iter(requests), timeout=TIMEOUT)
        for request_size, response_size in [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)]:
            requests.send(output_request(request_size, response_size))
            assert next(responses).message.payload == zeros(response_size)
        requests.end()
        assert list(responses) == []
        assert responses.code() == grpc.StatusCode.OK

    def empty_stream(self):
        responses = self.full_duplex_call(iter([]), timeout=TIMEOUT)
        assert list(responses) == []
        assert responses.code() == grpc.StatusCode.OK

    # Compression

    def client_compressed_unary(self):
        expecting = large_request(expect_compressed=flag(True))
        # Whether the server makes the requested check.
        expect(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.unary_call(expecting, timeout=TIMEOUT))
        for algorithm in (grpc.Compression.Gzip, grpc.Compression.Deflate):
            response = self.unary_call(expecting, timeout=TIMEOUT, compression=algorithm).message
            assert response.payload == zeros(314159)
        response = self.unary_call(large_request(expect_compressed=flag(False)), timeout=TIMEOUT).message
        assert response.payload == zeros(314159)

    def server_compressed_unary(self):
        for compressed in (True, False):
            response = self.unary_call(large_request(response_compressed=flag(compressed)), timeout=TIMEOUT)
            assert response.was_compressed == compressed, response.was_compressed
            assert response.message.payload == zeros(314159)

    def client_compressed_streaming(self):
        def request(body, compressed):
            payload = messages.Payload(body=body)
            return messages.StreamingInputCallRequest(payload=payload, expect_compressed=flag(compressed))

        # Whether the server makes the requested check.
        probe = [request(bytes(27182), True)]
        expect(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.streaming_input_call(iter(probe), timeout=TIMEOUT))
        # No option turns compression off for one message, but the core sends an incompressible message uncompressed.
        requests = [request(bytes(27182), True), request(os.urandom(45904), False)]
        response = self.streaming_input_call(iter(requests), timeout=TIMEOUT, compression=grpc.Compression.Gzip)
        assert response.message.aggregated_payload_size == 73086, response

    def server_compressed_streaming(self):
        request = messages.StreamingOutputCallRequest(
            response_parameters=[
                messages.ResponseParameters(size=31415, compressed=flag(True)),
                messages.ResponseParameters(size=92653, compressed=flag(False)),
            ]
        )
        responses = list(self.streaming_output_call(request, timeout=TIMEOUT))
        assert [response.was_compressed for response in responses] == [True, False], responses
        assert [response.message.payload for response in responses] == [zeros(31415), zeros(92653)]

    # Calls that end early

    def cancel_after_begin(self):
        requests = Requests()
        call = self.streaming_input_call.future(iter(requests), timeout=TIMEOUT)
        call.cancel()
        requests.end()
        assert call.cancelled()
        assert call.code() == grpc.StatusCode.CANCELLED, call

    def cancel_after_first_response(self):
        requests = Requests(output_request(27182, 31415))
        responses = self.full_duplex_call(iter(requests), timeout=TIMEOUT)
        assert next(responses).message.payload == zeros(31415)
        responses.cancel()
        requests.end()
        assert responses.code() == grpc.StatusCode.CANCELLED, responses

    def timeout_on_sleeping_server(self):
        requests = Requests(output_request(27182))
        expect(
            grpc.StatusCode.DEADLINE_EXCEEDED, lambda: next(self.full_duplex_call(iter(requests), timeout=0.001))
        )
        requests.end()

    # Metadata and status

    def custom_metadata(self):
        def check(call):
            initial, trailing = METADATA
            assert initial in [tuple(item) for item in call.initial_metadata()], call.initial_metadata()
            assert trailing in [tuple(item) for item in call.trailing_metadata()], call.trailing_metadata()

        _, call = self.unary_call.with_call(large_request(), metadata=METADATA, timeout=TIMEOUT)
        check(call)
        call = self.full_duplex_call(iter([output_request(271828, 314159)]), metadata=METADATA, timeout=TIMEOUT)
        assert len(list(call)) == 1
        check(call)

    def status_code_and_message(self):
        status = messages.EchoStatus(code=2, message="test status message")
        unary = messages.SimpleRequest(response_status=status)
        expect(grpc.StatusCode.UNKNOWN, lambda: self.unary_call(unary, timeout=TIMEOUT), status.message)
        stream = messages.StreamingOutputCallRequest(response_status=status)
        expect(
            grpc.StatusCode.UNKNOWN,
            lambda: list(self.full_duplex_call(iter([stream]), timeout=TIMEOUT)),
            status.message,
        )

    def special_status_message(self):
        request = messages.SimpleRequest(response_status=messages.EchoStatus(code=2, message=SPECIAL_MESSAGE))
        expect(grpc.StatusCode.UNKNOWN, lambda: self.unary_call(request, timeout=TIMEOUT), SPECIAL_MESSAGE)

    def unimplemented_method(self):
        call = self.method(self.channel.unary_unary, "UnimplementedCall", messages.Empty)
        expect(grpc.StatusCode.UNIMPLEMENTED, lambda: call(messages.Empty(), timeout=TIMEOUT))

    def unimplemented_service(self):
        call = self.method(
            self.channel.unary_unary, "UnimplementedCall", messages.Empty, "grpc.testing.UnimplementedService"
        )
        expect(grpc.StatusCode.UNIMPLEMENTED, lambda: call(messages.Empty(), timeout=TIMEOUT))

    # A case of this project

    def unavailable(self):
        """The server does not let this client connect."""
        expect(grpc.StatusCode.UNAVAILABLE, lambda: self.empty_call(messages.Empty(), timeout=TIMEOUT))


def run_case(name, port, certificates):
    getattr(Cases(port, certificates), name)()
