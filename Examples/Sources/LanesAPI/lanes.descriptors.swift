// DO NOT EDIT.
// swift-format-ignore-file
//
// Generated from the output of the protocol buffer compiler.
// Source: lanes.proto

/// The descriptors of lanes.proto and of their imports, for server reflection: a
/// `google.protobuf.FileDescriptorSet` in base64.
public let lanesDescriptors = """
    CoYECgtsYW5lcy5wcm90bxIIbGFuZXMudjEiKAoMT2ZmZXJSZXF1ZXN0EhgKB3Byb2R1Y3QYASABKAlSB3Byb2R1Y3QiPgoKT2Zm\
    ZXJSZXBseRISCgR0ZXh0GAEgASgJUgR0ZXh0EhwKCWluc3RhbmNlcxgCIAMoCVIJaW5zdGFuY2VzIigKDFByaWNlUmVxdWVzdBIY\
    Cgdwcm9kdWN0GAEgASgJUgdwcm9kdWN0Ij4KClByaWNlUmVwbHkSFAoFZXVyb3MYASABKAVSBWV1cm9zEhoKCGluc3RhbmNlGAIg\
    ASgJUghpbnN0YW5jZTI9CgRTaG9wEjUKBU9mZmVyEhYubGFuZXMudjEuT2ZmZXJSZXF1ZXN0GhQubGFuZXMudjEuT2ZmZXJSZXBs\
    eTI/CgZQcmljZXMSNQoFUHJpY2USFi5sYW5lcy52MS5QcmljZVJlcXVlc3QaFC5sYW5lcy52MS5QcmljZVJlcGx5SpABCjoKAgYA\
    EgMAAAAaLyBBIHNob3AsIHdoaWNoIGFza3MgdGhlIHNlcnZpY2Ugb2YgdGhlIHByaWNlcy4KClIKBAQBAgESAwAAABpFIFRoZSBp\
    ZHMgb2YgdGhlIGluc3RhbmNlcyB0aGF0IHRvb2sgcGFydCwgaW4gdGhlIG9yZGVyIG9mIHRoZSBjYWxscy4KYgZwcm90bzM=
    """
