import Testing

@testable import GRPCNghttp2Transport
@testable import ServiceKitHTTP2

@Suite struct Base64Tests {
    /// RFC 4648, section 10.
    private static let vectors: [(String, String)] = [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test(arguments: Self.vectors)
    func base64FollowsTheVectorsOfRFC4648(_ text: String, _ encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        #expect(Base64.decode(Array(encoded.utf8)) == Array(text.utf8))
        let padded = encoded + String(repeating: "=", count: (4 - encoded.count % 4) % 4)
        #expect(Base64.decode(Array(padded.utf8)) == Array(text.utf8))
    }

    @Test func base64RoundTripsEveryByteAtEveryPlace() {
        for length in 0...8 {
            let bytes = (0..<length).map { UInt8(251 * $0 % 256) }
            #expect(Base64.decode(Array(Base64.encode(bytes).utf8)) == bytes)
        }
        let all = Array(UInt8.min...UInt8.max)
        #expect(Base64.decode(Array(Base64.encode(all).utf8)) == all)
    }

    @Test(arguments: ["Z", "Zm9vY", "Zm9*", "Zg===", "=", "====", "Z g", "Zg=v"])
    func invalidBase64IsRefused(_ text: String) {
        #expect(Base64.decode(Array(text.utf8)) == nil)
    }
}

@Suite struct StatusMessageTests {
    private static let messages: [(String, String)] = [
        ("plain text, with ~ and space", "plain text, with ~ and space"),
        ("100%", "100%25"),
        ("a\nb", "a%0Ab"),
        ("größe", "gr%C3%B6%C3%9Fe"),
        ("☃", "%E2%98%83"),
        ("user not found: ", "user not found:%20"), (" between ", "%20between%20"), (" ", "%20"), ("", ""),
    ]

    @Test(arguments: Self.messages)
    func statusMessageIsPercentEncodedAndDecoded(_ message: String, _ encoded: String) {
        #expect(StatusMessage.encode(message) == encoded)
        #expect(encoded.withBytes(StatusMessage.decode) == message)
    }

    @Test(arguments: [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("100%", "100%"), ("%e2%98%83", "☃"), ("%25%", "%%")])
    func invalidPercentEscapesStayAsTheyAre(_ text: String, _ message: String) {
        #expect(text.withBytes(StatusMessage.decode) == message)
    }

    @Test func invalidUTF8InAStatusMessageIsReplaced() {
        #expect("%FF".withBytes(StatusMessage.decode) == "\u{fffd}")
    }
}

@Suite struct GRPCTimeoutTests {
    @Test(arguments: [
        (Duration.nanoseconds(1), "1n"), (.milliseconds(9), "9000000n"), (.milliseconds(10), "10000u"),
        (.seconds(1), "1000000u"), (.seconds(30), "30000m"), (.seconds(100_000), "100000S"),
        (.seconds(-3), "1n"), (.zero, "1n"), (.seconds(1) + .nanoseconds(1), "1000001u"),
    ])
    func timeoutIsWrittenInTheFinestUnitThatFits(_ duration: Duration, _ text: String) {
        #expect(GRPCTimeout(duration).wireValue == text)
    }

    @Test(arguments: [
        ("1H", Duration.seconds(3600)), ("2M", .seconds(120)), ("3S", .seconds(3)), ("4m", .milliseconds(4)),
        ("5u", .microseconds(5)), ("6n", .nanoseconds(6)), ("99999999n", .microseconds(100_000)),
        ("99999999H", .seconds(365 * 24 * 3600)),
    ])
    func timeoutIsReadInEveryUnit(_ text: String, _ duration: Duration) {
        #expect(text.withBytes { GRPCTimeout($0) }?.duration == duration)
    }

    @Test(arguments: ["", "1", "S", "-1S", "+1S", "1 S", "1s", "123456789S", "1.5S", "１S"])
    func malformedTimeoutIsRefused(_ text: String) {
        #expect(text.withBytes { GRPCTimeout($0) } == nil)
    }

    @Test(arguments: [1, 999, 12_345_678, 10_000_001, 86_400_000_000_001, 31_536_000_000_000_000])
    func writtenTimeoutIsNeverShorterAndHasAtMostEightCharacters(_ nanoseconds: Int64) {
        let timeout = GRPCTimeout(.nanoseconds(nanoseconds))
        #expect(timeout.duration >= .nanoseconds(nanoseconds))
        #expect(timeout.wireValue.count <= 8, "GRPCCore reads no more")
    }
}

@Suite struct AuthorityTests {
    @Test(arguments: [
        ("example.com:443", "example.com:443"), ("[::1]:8080", "[::1]:8080"), ("a_b~c", "a_b~c"), ("", ""),
        ("/tmp/x.sock", "%2Ftmp%2Fx.sock"), ("%2Ftmp", "%2Ftmp"), ("a b", "a%20b"), ("größe", "gr%C3%B6%C3%9Fe"),
    ])
    func authorityIsPercentEncodedAsAURIAllows(_ authority: String, _ encoded: String) {
        #expect(Authority.encode(authority) == encoded)
    }
}
