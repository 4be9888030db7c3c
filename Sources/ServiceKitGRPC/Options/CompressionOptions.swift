internal import GRPCCore
internal import GRPCNghttp2Transport
public import ServiceKitConfig

/// The sections `server.grpc.compression` and `client.compression`: how messages are compressed.
public struct CompressionOptions: ConfigurationSection, Hashable {
    /// How messages are sent, if the peer reads it and the call says nothing else; `none` by default.
    public var algorithm = Algorithm.none
    /// Which compressed messages are read; all by default.
    public var accept: [Algorithm] = [.gzip, .deflate]

    /// An algorithm that gRPC names
    /// (https://github.com/grpc/grpc/blob/master/doc/compression.md).
    public enum Algorithm: String, Codable, Sendable, CaseIterable {
        /// No compression.
        case none
        /// RFC 1952.
        case gzip
        /// RFC 1950.
        case deflate
    }

    /// The defaults.
    public init() {}

    var transportCompression: CompressionConfig {
        var config = CompressionConfig.defaults
        config.algorithm = algorithm.transportForm.one
        // Messages without compression are always read.
        config.enabledAlgorithms = CompressionAlgorithmSet([.none] + accept.map(\.transportForm.set))
        return config
    }
}

extension CompressionOptions.Algorithm {
    fileprivate var transportForm: (one: CompressionAlgorithm, set: CompressionAlgorithmSet) {
        switch self {
        case .none: (.none, .none)
        case .gzip: (.gzip, .gzip)
        case .deflate: (.deflate, .deflate)
        }
    }
}

extension CompressionOptions {
    /// The meaning of each option.
    public static let help = [
        "algorithm": "how messages are sent",
        "accept": "which compressed messages are read",
    ]
}
