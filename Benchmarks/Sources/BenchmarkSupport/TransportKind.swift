public import ArgumentParser

/// A transport for grpc-swift.
public enum TransportKind: String, Sendable, CaseIterable, ExpressibleByArgument {
    /// The kit's transport, on libnghttp2.
    case nghttp2
    /// The transport of grpc-swift-nio-transport, on SwiftNIO's HTTP/2.
    case nio
}
