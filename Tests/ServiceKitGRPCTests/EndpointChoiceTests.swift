import ServiceKit
import ServiceKitGRPC
import Testing

/// The endpoints that a channel connects to.
@Suite struct EndpointChoiceTests {
    private static func instance(
        _ id: String, _ schemes: [String], _ metadata: [String: String] = [:]
    ) -> ServiceInstance {
        ServiceInstance(
            id: id, name: "user", metadata: metadata,
            endpoints: schemes.map { Endpoint(scheme: $0, host: id, port: 9000) }
        )
    }

    private static func chosen(_ tls: ClientTLSOptions, _ instances: [ServiceInstance]) -> [String] {
        tls.endpointChoice().nodes(of: instances).map(\.endpoint.description)
    }

    @Test func tlsEndpointsArePreferredAndWithTLSOptionsTheOnlyChoice() {
        let instances = [
            Self.instance("a", ["grpc"]), Self.instance("b", ["http", "grpc", "grpcs"]), Self.instance("c", ["http"]),
        ]
        #expect(Self.chosen(ClientTLSOptions(), instances) == ["grpc://a:9000", "grpcs://b:9000"])
        var tls = ClientTLSOptions()
        tls.serverName = "user"
        #expect(Self.chosen(tls, instances) == ["grpcs://b:9000"])
    }

    @Test func instancesThatAreOfflineOrOfWeight0AreLeftOut() {
        let offline = Self.instance("a", ["grpc"], ["offline": "true"])
        let light = Self.instance("b", ["grpc"], ["weight": "0"])
        let heavy = Self.instance("c", ["grpc"], ["weight": "7"])
        #expect(Self.chosen(ClientTLSOptions(), [offline, light, heavy]) == ["grpc://c:9000"])
        #expect(Self.chosen(ClientTLSOptions(), [offline, light]) == ["grpc://b:9000"], "when there is no other")
        #expect(Self.chosen(ClientTLSOptions(), [offline]).isEmpty)
    }
}
