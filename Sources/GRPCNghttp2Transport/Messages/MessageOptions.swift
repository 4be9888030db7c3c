/// The options of one side for the messages that it sends and reads.
struct MessageOptions: Sendable {
    /// The largest message that is read, in bytes, as it arrives and decompressed.
    var maxBytes: Int
    /// The largest message that is sent, in bytes before compression.
    var maxSendBytes: Int
    /// The encoding of messages that are sent, unless a call chooses another.
    var encoding: MessageEncoding
    /// The encodings of messages that are read.
    var readableEncodings: MessageEncodings
}

extension MessageOptions {
    init(_ config: Nghttp2ServerTransport.Config) {
        self.init(
            maxBytes: config.maxMessageBytes,
            maxSendBytes: config.maxSendMessageBytes,
            encoding: MessageEncoding(config.compression.algorithm),
            readableEncodings: config.compression.acceptedEncodings
        )
    }

    init(_ config: ClientTransportConfig) {
        self.init(
            maxBytes: config.maxMessageBytes,
            maxSendBytes: config.maxSendMessageBytes,
            encoding: MessageEncoding(config.compression.algorithm),
            readableEncodings: config.compression.acceptedEncodings
        )
    }
}
