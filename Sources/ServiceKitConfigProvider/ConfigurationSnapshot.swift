internal import Configuration
internal import ServiceKitConfig

/// One configuration, as swift-configuration reads it.
struct ConfigurationSnapshot: ConfigSnapshot {
    let providerName = "ConfigurationStoreProvider"
    private let configuration: ServiceKitConfig.Configuration

    init(_ configuration: ServiceKitConfig.Configuration) {
        self.configuration = configuration
    }

    func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let keys = key.components
        let value =
            switch type {
            case .string: try value(String.self, keys) { .string($0) }
            case .int: try value(Int.self, keys) { .int($0) }
            case .double: try value(Double.self, keys) { .double($0) }
            case .bool: try value(Bool.self, keys) { .bool($0) }
            case .bytes: try value(Base64.self, keys) { .bytes($0.bytes) }
            case .stringArray: try value([String].self, keys) { .stringArray($0) }
            case .intArray: try value([Int].self, keys) { .intArray($0) }
            case .doubleArray: try value([Double].self, keys) { .doubleArray($0) }
            case .boolArray: try value([Bool].self, keys) { .boolArray($0) }
            case .byteChunkArray: try value([Base64].self, keys) { .byteChunkArray($0.map(\.bytes)) }
            }
        return LookupResult(encodedKey: keys.joined(separator: "."), value: value)
    }

    private func value<Value: Decodable>(
        _ type: Value.Type,
        _ keys: [String],
        _ content: (Value) -> ConfigContent
    ) throws(ConfigurationError) -> ConfigValue? {
        try configuration.lookUp(type, at: keys).map { ConfigValue(content($0.value), isSecret: $0.isSecret) }
    }
}

/// Bytes, written in Base64.
private struct Base64: Decodable {
    var bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        let text = try String(from: decoder)
        guard let bytes = ConfigBytesFromBase64StringDecoder().decode(text) else {
            throw ConfigurationError(message: "expected bytes in Base64")
        }
        self.bytes = bytes
    }
}
