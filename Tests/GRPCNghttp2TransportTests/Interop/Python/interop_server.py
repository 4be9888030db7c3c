"""The server of the interoperability tests."""

import sys
from concurrent import futures

import grpc

from interop_messages import AS_RECEIVED, INITIAL_KEY, SERVICE, TRAILING_KEY, messages, receiver, zeros

CODES = {code.value[0]: code for code in grpc.StatusCode}


def check_compression(received, context):
    """Refuses a message whose compression differs from the client's intention."""
    message = received.message
    if message.HasField("expect_compressed") and message.expect_compressed.value != received.was_compressed:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message came otherwise than announced")


def check_status(message, context):
    if message.response_status.code:
        context.abort(CODES[message.response_status.code], message.response_status.message)


def echo_metadata(context):
    metadata = context.invocation_metadata()
    context.set_trailing_metadata([item for item in metadata if item[0] == TRAILING_KEY])
    context.send_initial_metadata([item for item in metadata if item[0] == INITIAL_KEY])


def empty_call(received, context):
    return messages.Empty()


def unary_call(received, context):
    check_compression(received, context)
    message = received.message
    if message.HasField("response_compressed"):
        compresses = message.response_compressed.value
        context.set_compression(grpc.Compression.Gzip if compresses else grpc.Compression.NoCompression)
    check_status(message, context)
    echo_metadata(context)
    return messages.SimpleResponse(payload=zeros(message.response_size))


def streaming_input_call(requests, context):
    size = 0
    for received in requests:
        check_compression(received, context)
        size += len(received.message.payload.body)
    return messages.StreamingInputCallResponse(aggregated_payload_size=size)


def answers(message, context):
    for parameters in message.response_parameters:
        if not parameters.compressed.value:
            context.disable_next_message_compression()
        yield messages.StreamingOutputCallResponse(payload=zeros(parameters.size))


def streaming_output_call(received, context):
    if any(parameters.HasField("compressed") for parameters in received.message.response_parameters):
        context.set_compression(grpc.Compression.Gzip)
    yield from answers(received.message, context)


def full_duplex_call(requests, context):
    echo_metadata(context)
    for received in requests:
        check_status(received.message, context)
        yield from answers(received.message, context)


# UnimplementedCall is missing on purpose.
METHODS = {
    "EmptyCall": (grpc.unary_unary_rpc_method_handler, empty_call, messages.Empty),
    "UnaryCall": (grpc.unary_unary_rpc_method_handler, unary_call, messages.SimpleRequest),
    "StreamingInputCall": (
        grpc.stream_unary_rpc_method_handler, streaming_input_call, messages.StreamingInputCallRequest
    ),
    "StreamingOutputCall": (
        grpc.unary_stream_rpc_method_handler, streaming_output_call, messages.StreamingOutputCallRequest
    ),
    "FullDuplexCall": (grpc.stream_stream_rpc_method_handler, full_duplex_call, messages.StreamingOutputCallRequest),
}


def serve(certificates):
    handlers = {
        name: handler(
            function, request_deserializer=receiver(request), response_serializer=lambda m: m.SerializeToString()
        )
        for name, (handler, function, request) in METHODS.items()
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=AS_RECEIVED)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    if certificates:
        port = server.add_secure_port("127.0.0.1:0", certificates.server_credentials())
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(5).wait()
