"""Asks a server at a port for its health and its services, with gRPC for Python's own clients. Calls a method with the
types that reflection has sent. Prints a line for each answer."""

import sys

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
    health = health_pb2_grpc.HealthStub(channel)
    for service in ["", "user.v1.UserService"]:
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        print("check", service, health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
    try:
        health.Check(health_pb2.HealthCheckRequest(service="other"), timeout=5)
    except grpc.RpcError as error:
        print("check other", error.code().name)
    watch = health.Watch(health_pb2.HealthCheckRequest(service="other"), timeout=5)
    print("watch other", health_pb2.HealthCheckResponse.ServingStatus.Name(next(watch).status))
    watch.cancel()

    database = ProtoReflectionDescriptorDatabase(channel)
    print("services", *sorted(database.get_services()))
    pool = DescriptorPool(database)
    for name in database.get_services():
        print(name, *(method.name for method in pool.FindServiceByName(name).methods))
    method = pool.FindServiceByName("user.v1.UserService").FindMethodByName("GetUser")
    call = channel.unary_unary(
        "/user.v1.UserService/GetUser",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    print("user", json_format.MessageToJson(call(GetMessageClass(method.input_type)(id=2), timeout=5), indent=None))
