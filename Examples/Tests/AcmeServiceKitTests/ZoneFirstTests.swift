import ServiceKit
import ServiceKitConfig
import Testing

@testable import AcmeServiceKit

@Suite struct ZoneFirstTests {
    private let balancer: ZoneFirst

    init() throws {
        balancer = try ZoneFirst(options: .init(zone: "eu"))
    }

    private func node(_ id: String, zone: String) throws -> Node {
        let endpoint = try #require(Endpoint("grpc://10.0.0.1:9000"))
        return Node(
            instance: ServiceInstance(id: id, name: "user", metadata: ["zone": zone], endpoints: [endpoint]),
            endpoint: endpoint
        )
    }

    private func pick(avoiding avoid: String...) -> String? {
        balancer.pick(for: PickRequest(operation: "/user.v1.UserService/GetUser", avoid: avoid))?.instance.id
    }

    @Test func nodesOfTheZoneComeFirst() throws {
        #expect(pick() == nil)
        let (near, far) = (try node("near", zone: "eu"), try node("far", zone: "us"))
        balancer.update(NodeChange(added: [near, far]))
        for _ in 0..<20 { #expect(pick() == "near") }
        #expect(pick(avoiding: "near") == "far")
        #expect(pick(avoiding: "near", "far") != nil)
        balancer.update(NodeChange(removed: [near]))
        #expect(pick() == "far")
    }

    @Test func aNodeThatChangesItsZoneLeavesTheOther() throws {
        let near = try node("a", zone: "eu")
        balancer.update(NodeChange(added: [near, try node("b", zone: "us")]))
        balancer.update(NodeChange(added: [try node("a", zone: "us")]))
        var picked: Set<String?> = []
        for _ in 0..<200 { picked.insert(pick()) }
        #expect(picked == ["a", "b"])
    }

    @Test func aProcessWithoutAZoneIsRefused() {
        #expect(throws: ConfigurationError.self) { try ZoneFirst(options: .init()) }
    }
}
