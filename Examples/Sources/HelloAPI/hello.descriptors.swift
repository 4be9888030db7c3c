// DO NOT EDIT.
// swift-format-ignore-file
//
// Generated from the output of the protocol buffer compiler.
// Source: hello.proto

/// The descriptors of hello.proto and of their imports, for server reflection: a
/// `google.protobuf.FileDescriptorSet` in base64.
public let helloDescriptors = """
    CugBCgtoZWxsby5wcm90bxIIaGVsbG8udjEiIgoMSGVsbG9SZXF1ZXN0EhIKBG5hbWUYASABKAlSBG5hbWUiIAoKSGVsbG9SZXBs\
    eRISCgR0ZXh0GAEgASgJUgR0ZXh0Ml4KBUhlbGxvElUKCFNheUhlbGxvEhYuaGVsbG8udjEuSGVsbG9SZXF1ZXN0GhQuaGVsbG8u\
    djEuSGVsbG9SZXBseSIbkAIBgtPkkwISEhAvdjEvaGVsbG8ve25hbWV9SiEKHwoEBgACABIDAAAAGhIgR3JlZXRzIHNvbWVib2R5\
    LgpiBnByb3RvMw==
    """
