"""Checks a server of user.v1.TalkService with the package websockets: websocket_client.py PORT CHECK."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus

END = "\x1eend"
ERROR = "\x1eerror:"


def url(path):
    return f"ws://127.0.0.1:{sys.argv[1]}{path}"


async def expect_close(socket, code):
    try:
        message = await socket.recv()
    except (ConnectionClosedOK, ConnectionClosedError) as closed:
        assert closed.rcvd.code == code, closed
        return closed.rcvd.reason
    raise AssertionError(f"a message in place of the end: {message!r}")


async def echo():
    async with connect(url("/user.v1.TalkService/Echo")) as socket:
        for number in range(100):
            await socket.send(json.dumps({"id": number, "name": "Ä"}))
            assert json.loads(await socket.recv()) == {"id": str(number), "name": "Ä", "email": ""}
        await socket.send(b"\x12\x01b")
        assert await socket.recv() == b"\x12\x01b"
        await (await socket.ping())
        await socket.send(END)
        await expect_close(socket, 1000)


async def fragments():
    async with connect(url("/v1/rooms/blue")) as socket:
        name = "a" * 1_000_000
        text = json.dumps({"name": name})
        await socket.send(text[start : start + 10_000] for start in range(0, len(text), 10_000))
        assert json.loads(await socket.recv()) == {"id": "0", "name": name, "email": "blue"}


async def collect():
    async with connect(url("/v1/collect?id=1")) as socket:
        for name in ["a", "b", "c"]:
            await socket.send(json.dumps({"name": name}))
        await socket.send(END)
        assert json.loads(await socket.recv())["name"] == "abc"
        await expect_close(socket, 1000)


async def error():
    async with connect(url("/user.v1.TalkService/Echo")) as socket:
        await socket.send(json.dumps({"name": "refuse"}))
        text = await socket.recv()
        assert text.startswith(ERROR), text
        assert json.loads(text.removeprefix(ERROR))["reason"] == "USER_NOT_FOUND"
        assert await expect_close(socket, 1008) == "USER_NOT_FOUND"


async def origin():
    try:
        await connect(url("/user.v1.TalkService/Echo"), origin="https://evil.example")
    except InvalidStatus as refused:
        assert refused.response.status_code == 403
        assert json.loads(refused.response.body)["reason"] == "FORBIDDEN"
        return
    raise AssertionError("a page of another site may call")


async def too_large():
    async with connect(url("/user.v1.TalkService/Echo")) as socket:
        try:
            await socket.send("a" * 5_000_000)
        except ConnectionClosedError:
            # The Close came while the message was being sent.
            pass
        await expect_close(socket, 1009)


async def responses():
    async with connect(url("/user.v1.UserService/ListUsers")) as socket:
        await socket.send("{}")
        assert [json.loads(text)["id"] async for text in socket] == ["1", "2", "3"]
        assert socket.close_code == 1000


async def leave():
    """Closes in the middle of a call; the test sees that the call is cancelled."""
    async with connect(url("/user.v1.TalkService/Echo")) as socket:
        await socket.send("{}")
        await socket.recv()


asyncio.run(asyncio.wait_for(globals()[sys.argv[2]](), 20))
