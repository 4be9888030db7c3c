"""Checks a server of user.v1.UserService with clients that others have written: http_clients.py PORT CLIENT.

The messages are dictionaries over JSON, and bytes otherwise, so that no generated code is needed.
"""

import json
import sys

ADDRESS = f"http://127.0.0.1:{sys.argv[1]}"
SERVICE = "user.v1.UserService"
# id = 2; id = 9; limit = 99
GET_2, GET_9, LIST_99 = b"\x08\x02", b"\x08\x09", b"\x08\x63"
USER_2 = b"\x08\x02\x12\x03Ada"


class JSONCodec:
    def name(self):
        return "json"

    def encode(self, message):
        return json.dumps(message).encode()

    def decode(self, data, message_class):
        return json.loads(data)


class BytesCodec:
    def name(self):
        return "proto"

    def encode(self, message):
        return message

    def decode(self, data, message_class):
        return bytes(data)


def connectrpc(codec, protocol, get, wrong, listing, user):
    from connectrpc.client import ConnectClientSync
    from connectrpc.code import Code
    from connectrpc.errors import ConnectError
    from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType

    def method(name, stream):
        return MethodInfo(
            name=name, service_name=SERVICE, input=object, output=object,
            idempotency_level=IdempotencyLevel.NO_SIDE_EFFECTS, stream_type=stream)

    def code(call):
        try:
            call()
        except ConnectError as error:
            return error.code, error.message
        raise AssertionError("the call went well")

    unary, stream = method("GetUser", StreamType.UNARY), method("ListUsers", StreamType.SERVER_STREAM)
    with ConnectClientSync(ADDRESS, codec=codec, protocol=protocol) as client:
        for _ in range(20):
            assert client.execute_unary(request=get, method=unary) == user
        if protocol.name == "CONNECT":
            assert client.execute_unary(request=get, method=unary, use_get=True) == user
        assert code(lambda: client.execute_unary(request=wrong, method=unary)) == (
            Code.NOT_FOUND, "there is no user 9")
        messages = []

        def read():
            for message in client.execute_server_stream(request=listing, method=stream):
                messages.append(message)

        assert code(read) == (Code.INVALID_ARGUMENT, "the limit is odd")
        assert len(messages) == 3, messages


def connect_json():
    from connectrpc.protocol import ProtocolType

    user = {"id": "2", "name": "Ada", "email": ""}
    connectrpc(JSONCodec(), ProtocolType.CONNECT, {"id": 2}, {"id": 9}, {"limit": 99}, user)


def connect_bytes():
    from connectrpc.protocol import ProtocolType

    connectrpc(BytesCodec(), ProtocolType.CONNECT, GET_2, GET_9, LIST_99, USER_2)


def connect_grpc_web():
    from connectrpc.protocol import ProtocolType

    connectrpc(BytesCodec(), ProtocolType.GRPC_WEB, GET_2, GET_9, LIST_99, USER_2)


def sonora():
    import grpc
    import sonora.client

    def code(call):
        try:
            call()
        except grpc.RpcError as error:
            return error.code(), error.details()
        raise AssertionError("the call went well")

    with sonora.client.insecure_web_channel(ADDRESS) as channel:
        get = channel.unary_unary(f"/{SERVICE}/GetUser", bytes, bytes)
        listing = channel.unary_stream(f"/{SERVICE}/ListUsers", bytes, bytes)
        assert get(GET_2) == USER_2
        assert code(lambda: get(GET_9)) == (grpc.StatusCode.NOT_FOUND, "there is no user 9")
        assert len(list(listing(b""))) == 3
        assert code(lambda: list(listing(LIST_99))) == (grpc.StatusCode.INVALID_ARGUMENT, "the limit is odd")


def httpx():
    import httpx

    with httpx.Client(base_url=ADDRESS) as client:
        for _ in range(20):
            answer = client.post(f"/{SERVICE}/GetUser", json={"id": 2})
            assert answer.json() == {"id": "2", "name": "Ada", "email": ""}, answer.text
        assert client.post(f"/{SERVICE}/GetUser", json={"id": 9}).status_code == 404
        assert client.head("/livez").status_code == 200
        assert client.get("/nothing").json()["reason"] == "NOT_FOUND"


globals()[sys.argv[2]]()
