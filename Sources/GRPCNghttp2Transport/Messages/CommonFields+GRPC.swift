import ServiceKitHTTP2

extension CommonFields {
    /// The fields that all requests of a client have, around `:path` and those of the call.
    static func requests(
        scheme: String,
        authority: String,
        userAgent: String,
        accepting encodings: MessageEncodings
    ) -> CommonFields {
        CommonFields(
            leading: [":method": "POST", ":scheme": scheme, ":authority": Authority.encode(authority)],
            trailing: [
                "te": "trailers",
                "content-type": "application/grpc",
                HeaderName.acceptEncoding: "\(encodings.acceptEncoding)",
                "user-agent": userAgent,
            ]
        )
    }

    /// The fields that all responses of a server begin with.
    static func responses(accepting encodings: MessageEncodings) -> CommonFields {
        CommonFields(leading: [
            ":status": "200",
            "content-type": "application/grpc",
            HeaderName.acceptEncoding: "\(encodings.acceptEncoding)",
        ])
    }
}
