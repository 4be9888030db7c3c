internal import FoundationEssentials
internal import HTTPTypes
internal import NIOHTTP1
internal import ServiceKit

extension CallMetadata {
    /// The headers of a request, as middleware sees them.
    init(_ fields: HTTPFields) {
        self.init()
        for field in fields { append(field.value, for: field.name.canonicalName) }
    }
}

extension HTTPHeaders {
    /// The headers of a request, as middleware has left them.
    init(_ metadata: CallMetadata) {
        self.init()
        reserveCapacity(metadata.count + 2)
        for entry in metadata {
            switch entry.value {
            case .string(let text): add(name: entry.name, value: text)
            case .binary(let bytes): add(name: entry.name, value: Data(bytes).base64EncodedString())
            }
        }
    }
}

extension HTTPFields {
    /// The headers of a response; those without a valid name are left out.
    init(_ headers: HTTPHeaders) {
        self.init()
        reserveCapacity(headers.count)
        for (name, value) in headers {
            guard let name = HTTPField.Name(name) else { continue }
            append(HTTPField(name: name, value: value))
        }
    }
}

extension HTTPResponse.Status {
    init(_ status: HTTPResponseStatus) {
        self.init(code: Int(status.code), reasonPhrase: status.reasonPhrase)
    }
}

extension LoadReport {
    /// The load in the headers of a response; `nil` if there is none that can be read.
    init?(_ headers: HTTPHeaders) {
        if let text = headers.first(name: Self.header) {
            self.init(text: text)
        } else if let binary = headers.first(name: Self.trailer),
            let bytes = Data(base64Encoded: binary + String(repeating: "=", count: (4 - binary.utf8.count % 4) % 4))
        {
            self.init(bytes: Array(bytes))
        } else {
            return nil
        }
    }
}
