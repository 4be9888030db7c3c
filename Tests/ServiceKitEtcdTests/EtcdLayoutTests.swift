import ServiceKit
import Testing

@testable import ServiceKitEtcd

/// What is written in etcd, and what is read that others have written.
struct EtcdLayoutTests {
    private let full = ServiceInstance(
        id: "a1",
        name: "user",
        version: "1.2.3",
        metadata: ["zone": "x", "weight": "50"],
        endpoints: [
            Endpoint(scheme: "http", host: "10.0.0.7", port: 8000),
            Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000),
        ]
    )

    private func read(_ value: String, _ layout: EtcdLayout, id: String = "a1") throws -> ServiceInstance {
        try layout.decode(Array(value.utf8), service: "user", id: id)
    }

    @Test(arguments: EtcdLayout.allCases)
    func whatIsWrittenIsRead(_ layout: EtcdLayout) throws {
        #expect(try layout.decode(try layout.encode(full), service: "user", id: "a1") == full)
        let bare = ServiceInstance(id: "b", name: "user")
        #expect(try layout.decode(try layout.encode(bare), service: "user", id: "b") == bare)
    }

    @Test func keys() {
        #expect(InstanceKeys(namespace: "/microservices").key("a1", of: "user") == "/microservices/user/a1")
        #expect(InstanceKeys(namespace: "").key("a1", of: "user") == "user/a1")
        #expect(InstanceKeys(namespace: "/services").prefix(of: "user") == "/services/user/")
    }

    @Test(arguments: ["/microservices/user/", "/microservices/user/a/b", "/microservices/user-admin/a", "user/a", ""])
    func keysOfNoInstance(_ key: String) {
        #expect(InstanceKeys(namespace: "/microservices").id(in: key, of: "user") == nil)
    }

    /// As go-kratos writes it, null and all.
    @Test func kratosWritesThis() throws {
        let value =
            #"{"id":"a1","name":"user","version":"","metadata":null,"endpoints":["grpc://10.0.0.7:9000?isSecure=true"]}"#
        let instance = try read(value, .kratos)
        #expect(instance.endpoints == [Endpoint(scheme: "grpcs", host: "10.0.0.7", port: 9000)])
        #expect(instance.metadata.isEmpty)
    }

    @Test func kratosReadsThis() throws {
        let text = String(decoding: try EtcdLayout.kratos.encode(full), as: UTF8.self)
        let expected =
            #"{"endpoints":["http://10.0.0.7:8000","grpc://10.0.0.7:9000"],"id":"a1","metadata":{"weight":"50","zone":"x"},"#
            + #""name":"user","version":"1.2.3"}"#
        #expect(text == expected)
    }

    @Test func grpcNamingOfOthers() throws {
        let expected = ServiceInstance(
            id: "a1", name: "user", endpoints: [Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)]
        )
        #expect(try read(#"{"Op":0,"Addr":"10.0.0.7:9000","Metadata":null}"#, .grpcNaming) == expected)
        #expect(try read(#"{"Addr":"10.0.0.7:9000"}"#, .grpcNaming) == expected)
        #expect(try read(#"{"Op":0,"Addr":"10.0.0.7:9000","Metadata":17}"#, .grpcNaming) == expected)
        let labelled = try read(#"{"Op":0,"Addr":"10.0.0.7:9000","Metadata":{"zone":"x"}}"#, .grpcNaming)
        #expect(labelled.metadata == ["zone": "x"])
        #expect(throws: (any Error).self) { try read(#"{"Op":0,"Addr":"nowhere"}"#, .grpcNaming) }
    }

    /// The address that grpc-go's resolver takes is that of the gRPC server.
    @Test func grpcNamingForOthers() throws {
        let text = String(decoding: try EtcdLayout.grpcNaming.encode(full), as: UTF8.self)
        #expect(text.hasPrefix(#"{"Addr":"10.0.0.7:9000","Metadata":{"#))
        #expect(text.hasSuffix(#","Op":0}"#))
    }

    @Test func hostPortOfOthers() throws {
        let instance = try read(#"{"host":"10.0.0.1","port":8080}"#, .hostPort)
        #expect(instance.endpoints == [Endpoint(scheme: "grpc", host: "10.0.0.1", port: 8080)])
        #expect(throws: (any Error).self) { try read(#"{"host":"","port":8080}"#, .hostPort) }
        #expect(throws: (any Error).self) { try read(#"{"host":"10.0.0.1","port":80800}"#, .hostPort) }
    }

    @Test func misplacedInstances() {
        let other = #"{"id":"a2","name":"user","endpoints":[]}"#
        #expect(throws: RegistryError.self) { try read(other, .kratos) }
        let foreign = #"{"id":"a1","name":"order","endpoints":[]}"#
        #expect(throws: RegistryError.self) { try read(foreign, .kratos) }
    }
}
