// DO NOT EDIT.
// swift-format-ignore-file
//
// Generated from the output of the protocol buffer compiler.
// Source: guestbook.proto

/// The descriptors of guestbook.proto and of their imports, for server reflection: a
/// `google.protobuf.FileDescriptorSet` in base64.
public let guestbookDescriptors = """
    CowDCg9ndWVzdGJvb2sucHJvdG8SDGd1ZXN0Ym9vay52MSIvCgVFbnRyeRISCgRuYW1lGAEgASgJUgRuYW1lEhIKBHRleHQYAiAB\
    KAlSBHRleHQiDgoMV2F0Y2hSZXF1ZXN0Mq8BCglHdWVzdGJvb2sSSAoEU2lnbhITLmd1ZXN0Ym9vay52MS5FbnRyeRoTLmd1ZXN0\
    Ym9vay52MS5FbnRyeSIWgtPkkwIQIgsvdjEvZW50cmllczoBKhJYCgVXYXRjaBIaLmd1ZXN0Ym9vay52MS5XYXRjaFJlcXVlc3Qa\
    Ey5ndWVzdGJvb2sudjEuRW50cnkiHJACAYLT5JMCExIRL3YxL2VudHJpZXM6d2F0Y2gwAUpwCjMKBAYAAgASAwAAABomIEFkZHMg\
    YW4gZW50cnkuIEFsbCB3aG8gd2F0Y2ggc2VlIGl0LgoKOQoEBgACARIDAAAAGiwgVGhlIGVudHJpZXMgc28gZmFyLCBhbmQgdGhl\
    biBlYWNoIG5ldyBvbmUuCmIGcHJvdG8z
    """
