/// The bytes of a key or a value. A text gives its UTF-8.
public protocol EtcdBytes: Sendable {
    /// The bytes.
    var etcdBytes: [UInt8] { get }
}

extension String: EtcdBytes {
    /// The text's UTF-8.
    public var etcdBytes: [UInt8] { Array(utf8) }
}

extension [UInt8]: EtcdBytes {
    /// The bytes themselves.
    public var etcdBytes: [UInt8] { self }
}

extension [UInt8] {
    /// The first key after all keys that begin with these bytes. If there is none, a zero byte, which etcd takes for
    /// the end of all keys.
    var endOfPrefix: [UInt8] {
        var end = self
        while let last = end.popLast() {
            if last < 0xFF { return end + [last + 1] }
        }
        return [0]
    }
}
