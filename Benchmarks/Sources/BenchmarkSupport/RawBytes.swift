public import GRPCCore

/// Sends a message as it is, so that no serialization format is measured.
public struct RawBytesSerializer: MessageSerializer {
    /// Creates a serializer.
    @inlinable
    public init() {}

    /// Hands the bytes on.
    @inlinable
    public func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) -> Bytes {
        Bytes(message)
    }
}

/// Receives a message as it is.
public struct RawBytesDeserializer: MessageDeserializer {
    /// Creates a deserializer.
    @inlinable
    public init() {}

    /// Copies the bytes.
    @inlinable
    public func deserialize(_ serializedMessageBytes: some GRPCContiguousBytes) -> [UInt8] {
        serializedMessageBytes.withUnsafeBytes { Array($0) }
    }
}
