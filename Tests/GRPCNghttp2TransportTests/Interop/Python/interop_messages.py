"""The messages of the interoperability tests, and their coding, for the client and the server."""

import gzip
import os
import sys
import zlib
from dataclasses import dataclass

import grpc

# The directory of interop.proto.
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
messages = grpc.protos("interop.proto")

SERVICE = "grpc.testing.TestService"
INITIAL_KEY = "x-grpc-test-echo-initial"
TRAILING_KEY = "x-grpc-test-echo-trailing-bin"

# With this option the core does not decompress messages. So a test can see whether a message came compressed.
AS_RECEIVED = [("grpc.per_message_decompression", 0)]


@dataclass
class Received:
    """A message, and whether it came compressed."""

    message: object
    was_compressed: bool


def receiver(message_class):
    """A deserializer for AS_RECEIVED. No message of these tests begins like compressed data."""

    def deserialize(data):
        if data[:2] == b"\x1f\x8b":
            return Received(message_class.FromString(gzip.decompress(data)), True)
        if data[:1] == b"\x78":
            return Received(message_class.FromString(zlib.decompress(data)), True)
        return Received(message_class.FromString(data), False)

    return deserialize


def zeros(size):
    return messages.Payload(body=bytes(size))


class Certificates:
    """The certificates of a test run; see `--tls`."""

    def __init__(self, directory, is_mutual):
        self.directory = directory
        self.is_mutual = is_mutual

    def read(self, name):
        with open(os.path.join(self.directory, name), "rb") as file:
            return file.read()

    def server_credentials(self):
        pair = (self.read("server.key"), self.read("server.pem"))
        if self.is_mutual:
            return grpc.ssl_server_credentials([pair], self.read("ca.pem"), require_client_auth=True)
        return grpc.ssl_server_credentials([pair])

    def channel_credentials(self):
        if self.is_mutual:
            return grpc.ssl_channel_credentials(self.read("ca.pem"), self.read("client.key"), self.read("client.pem"))
        return grpc.ssl_channel_credentials(self.read("ca.pem"))
