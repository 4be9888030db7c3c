import Foundation
import ServiceKit
import Testing

@Suite struct EndpointTests {
    @Test(arguments: [
        ("grpc://10.0.0.7:9000", "grpc", "10.0.0.7", 9000),
        ("HTTPS://Example.COM:443", "https", "Example.COM", 443),
        ("grpc://[fd00::7]:1", "grpc", "fd00::7", 1),
        ("grpc://[fe80::1%eth0]:65535", "grpc", "fe80::1%eth0", 65535),
        ("grpc://host:9000/ignored/path", "grpc", "host", 9000),
        ("grpc://host:9000?isSecure=true", "grpcs", "host", 9000),
        ("grpc://host:9000?a=b&isSecure=true", "grpcs", "host", 9000),
        ("grpc://host:9000/?isSecure=false", "grpc", "host", 9000),
        ("grpcs://host:9000?isSecure=true", "grpcs", "host", 9000),
        ("GRPCS://host:9000?isSecure=true", "grpcs", "host", 9000),
        ("x-y.z+1://host_name:9000", "x-y.z+1", "host_name", 9000),
    ])
    func endpointIsReadFromItsURL(_ text: String, _ scheme: String, _ host: String, _ port: Int) throws {
        let endpoint = try #require(Endpoint(text))
        #expect(endpoint == Endpoint(scheme: scheme, host: host, port: port))
        #expect(Endpoint(endpoint.description) == endpoint)
    }

    @Test(arguments: [
        "", "grpc", "grpc://", "10.0.0.7:9000", "grpc://host", "grpc://host:", "grpc://:9000", "grpc://host:0",
        "grpc://host:65536", "grpc://host:+80", "grpc://host:-1", "grpc://host:9x", "grpc://host:٩",
        "grpc://host:18446744073709551617", "grpc://[:9000", "grpc://a\u{7F}b:9000",
        "grpc://fd00::7:9000",
        "grpc://[host]:9000", "grpc://[]:9000", "grpc://[fd00::7:9000", "grpc://a b:9000", "grpc://user@host:9000",
        "://host:9000", "1grpc://host:9000", "gr pc://host:9000", "grpc:/host:9000",
    ])
    func refuses(_ text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test func endpointIsWrittenAsItsURL() throws {
        let endpoint = Endpoint(scheme: "grpcs", host: "fd00::7", port: 9000)
        #expect(endpoint.description == "grpcs://[fd00::7]:9000")
        #expect(endpoint.authority == "[fd00::7]:9000")
        #expect(endpoint.isSecure)
        #expect(!Endpoint(scheme: "http", host: "a", port: 1).isSecure)
        let data = try JSONEncoder().encode([endpoint])
        #expect(try JSONDecoder().decode([Endpoint].self, from: data) == [endpoint])
    }

    @Test func malformedEndpointIsNamedWhenDecoded() throws {
        let error = #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Endpoint].self, from: Data("[\"localhost\"]".utf8))
        }
        #expect("\(try #require(error))".contains("\"localhost\" is no endpoint; write scheme://host:port"))
    }
}
