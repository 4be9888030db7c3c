// DO NOT EDIT.
// swift-format-ignore-file
//
// Generated from the output of the protocol buffer compiler.
// Source: user.proto

/// The descriptors of user.proto and of their imports, for server reflection: a
/// `google.protobuf.FileDescriptorSet` in base64.
public let userDescriptors = """
    CrkECgp1c2VyLnByb3RvEgd1c2VyLnYxIkAKBFVzZXISDgoCaWQYASABKANSAmlkEhIKBG5hbWUYAiABKAlSBG5hbWUSFAoFZW1h\
    aWwYAyABKAlSBWVtYWlsIj0KEUNyZWF0ZVVzZXJSZXF1ZXN0EhIKBG5hbWUYASABKAlSBG5hbWUSFAoFZW1haWwYAiABKAlSBWVt\
    YWlsIiAKDkdldFVzZXJSZXF1ZXN0Eg4KAmlkGAEgASgDUgJpZCIoChBMaXN0VXNlcnNSZXF1ZXN0EhQKBWxpbWl0GAEgASgFUgVs\
    aW1pdCITChFXYXRjaFVzZXJzUmVxdWVzdCI0CglVc2VyRXZlbnQSJwoHY3JlYXRlZBgBIAEoCzINLnVzZXIudjEuVXNlclIHY3Jl\
    YXRlZDKBAgoLVXNlclNlcnZpY2USNwoKQ3JlYXRlVXNlchIaLnVzZXIudjEuQ3JlYXRlVXNlclJlcXVlc3QaDS51c2VyLnYxLlVz\
    ZXISNgoHR2V0VXNlchIXLnVzZXIudjEuR2V0VXNlclJlcXVlc3QaDS51c2VyLnYxLlVzZXIiA5ACARI8CglMaXN0VXNlcnMSGS51\
    c2VyLnYxLkxpc3RVc2Vyc1JlcXVlc3QaDS51c2VyLnYxLlVzZXIiA5ACATABEkMKCldhdGNoVXNlcnMSGi51c2VyLnYxLldhdGNo\
    VXNlcnNSZXF1ZXN0GhIudXNlci52MS5Vc2VyRXZlbnQiA5ACATABYgZwcm90bzM=
    """
