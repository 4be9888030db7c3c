/// The layout of a value: https://protobuf.dev/programming-guides/encoding/
package enum WireType: UInt8, BitwiseCopyable, Sendable {
    case varint = 0
    case fixed64 = 1
    case delimited = 2
    case groupStart = 3
    case groupEnd = 4
    case fixed32 = 5
}
