public import ArgumentParser

/// A transport for grpc-swift.
public enum TransportKind: String, Sendable, CaseIterable, ExpressibleByArgument {
    /// The kit's: libnghttp2.
    case nghttp2
    /// The peer's, grpc-swift-nio-transport: SwiftNIO's HTTP/2.
    case nio
}
