import GRPCCore
import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite struct MessageEncodingTests {
    private static func accept(_ value: String) -> MessageEncodings {
        Array(value.utf8).withUnsafeBufferPointer { MessageEncodings(acceptEncoding: $0) }
    }

    private static func encoding(_ value: String) -> MessageEncoding? {
        Array(value.utf8).withUnsafeBufferPointer { MessageEncoding($0) }
    }

    @Test func encodingsAreReadByTheirNames() {
        #expect(Self.encoding("gzip") == .gzip)
        #expect(Self.encoding("deflate") == .deflate)
        #expect(Self.encoding("identity") == .identity)
        for unknown in ["", "br", "GZIP", "gzi", "gzip ", "x-gzip"] {
            #expect(Self.encoding(unknown) == nil, "\(unknown)")
        }
    }

    @Test(
        arguments: [
            ("", [.identity]),
            ("gzip", [.identity, .gzip]),
            ("identity,deflate,gzip", [.identity, .deflate, .gzip]),
            ("identity, deflate , \tgzip\t", [.identity, .deflate, .gzip]),
            ("br,zstd,gzip,snappy", [.identity, .gzip]),
            (",,,deflate,,", [.identity, .deflate]),
            ("gzip;q=1", [.identity]),
            ("gzipdeflate", [.identity]),
            ("   ,\t,", [.identity]),
        ] as [(String, Set<MessageEncoding>)])
    func acceptEncodingHeaderIsParsed(_ value: String, _ expected: Set<MessageEncoding>) {
        let encodings = Self.accept(value)
        #expect(Set(MessageEncoding.allCases.filter(encodings.contains)) == expected)
    }

    @Test(
        arguments: [
            ([], "identity"), ([.gzip], "identity,gzip"), ([.deflate], "identity,deflate"),
            ([.gzip, .deflate, .identity], "identity,deflate,gzip"),
        ] as [([MessageEncoding], String)])
    func writtenAcceptEncodingHeaderIsReadBack(_ encodings: [MessageEncoding], _ value: String) {
        let encodings = MessageEncodings(encodings)
        #expect("\(encodings.acceptEncoding)" == value)
        #expect(Self.accept(value) == encodings)
    }

    @Test func compressionOptionsMapToEncodings() {
        var config = CompressionConfig.defaults
        #expect(config.algorithm == .none)
        #expect(config.acceptedEncodings == MessageEncodings(MessageEncoding.allCases))
        config.enabledAlgorithms = [.gzip]
        #expect(config.acceptedEncodings == MessageEncodings([.gzip]))
        config.enabledAlgorithms = .none
        #expect(config.acceptedEncodings == MessageEncodings())
        #expect(MessageEncoding(CompressionAlgorithm.gzip) == .gzip)
        #expect(MessageEncoding(CompressionAlgorithm.deflate) == .deflate)
        #expect(MessageEncoding(CompressionAlgorithm.none) == .identity)
    }
}
