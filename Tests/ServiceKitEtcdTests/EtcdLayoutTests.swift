import ServiceKit
import Testing

@testable import ServiceKitEtcd

/// The entries that are written to etcd, and entries of other frameworks.
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
    func writtenEntryIsReadBack(_ layout: EtcdLayout) throws {
        #expect(try layout.decode(try layout.encode(full), service: "user", id: "a1") == full)
        let bare = ServiceInstance(id: "b", name: "user")
        #expect(try layout.decode(try layout.encode(bare), service: "user", id: "b") == bare)
    }

    @Test func keyHasNamespaceServiceAndID() {
        #expect(InstanceKeys(namespace: "/microservices").key("a1", of: "user") == "/microservices/user/a1")
        #expect(InstanceKeys(namespace: "").key("a1", of: "user") == "user/a1")
        #expect(InstanceKeys(namespace: "/services").prefix(of: "user") == "/services/user/")
    }

    @Test(arguments: ["/microservices/user/", "/microservices/user-admin/a", "user/a", ""])
    func otherKeysAreNotInstances(_ key: String) {
        #expect(InstanceKeys(namespace: "/microservices").id(in: key, of: "user") == nil)
    }

    @Test(arguments: ["a", "10.0.0.7:9000", "host/1234", "a//b"])
    func foreignIDsMayHaveAnyCharacter(_ id: String) throws {
        let keys = InstanceKeys(namespace: "/microservices")
        #expect(keys.id(in: "/microservices/user/\(id)", of: "user") == id)
        #expect(keys.parse("/microservices/user/\(id)")?.id == id)
        let instance = try read(#"{"id":"\#(id)","name":"user","endpoints":["grpc://h:1"]}"#, .kratos, id: id)
        #expect(instance.id == id)
    }

    /// Its key has the fields that its value lacks.
    @Test(arguments: [
        #"{"endpoints":["grpc://h:1"]}"#, #"{"id":"a1","endpoints":["grpc://h:1"]}"#,
        #"{"name":"user","version":null,"metadata":{"x":null},"endpoints":["grpc://h:1","https://api.example.com"]}"#,
    ])
    func missingFieldsOfAKratosEntryComeFromItsKey(_ value: String) throws {
        let instance = try read(value, .kratos)
        #expect(instance.id == "a1")
        #expect(instance.name == "user")
        #expect(instance.endpoints == [Endpoint(scheme: "grpc", host: "h", port: 1)])
    }

    @Test func instanceWithoutAReadableEndpointIsKept() throws {
        let instance = try read(#"{"id":"a1","name":"user","endpoints":["https://api.example.com"]}"#, .kratos)
        #expect(instance.endpoints.isEmpty)
        #expect(instance.unreadableEndpoints == ["https://api.example.com"])
        for nothing in ["{}", #"{"x":1}"#] {
            #expect(throws: (any Error).self) { try read(nothing, .kratos) }
        }
    }

    @Test func unreadableForeignFieldsKeepTheAddress() throws {
        let naming = try read(
            #"{"Op":0,"Addr":"10.0.0.7:9000","Metadata":{"id":"x","name":"y","n":1,"deep":{"z":1}}}"#, .grpcNaming)
        #expect(naming.id == "a1")
        #expect(naming.metadata == ["id": "x", "name": "y", "n": "1"])
        let hostPort = try read(#"{"host":"10.0.0.1","port":8080,"instance":"i-0123"}"#, .hostPort)
        #expect(hostPort.endpoints.count == 1)
    }

    /// Layout, value, labels set, value then.
    @Test(arguments: [
        (
            EtcdLayout.kratos,
            #"{"id":"a1","name":"user","zone":"eu","tags":["x"],"endpoints":["ws://h:8000/chat?x=1"]}"#,
            #"{"id":"a1","name":"user","zone":"eu","tags":["x"],"endpoints":["ws://h:8000/chat?x=1"],"metadata":{"weight":"50"}}"#
        ),
        (
            .grpcNaming, #"{"Op":0,"Addr":"h:1","Metadata":{"zone":"eu","n":1.0},"More":[ ]}"#,
            #"{"Op":0,"Addr":"h:1","Metadata":{"zone":"eu","n":1.0,"weight":"50"},"More":[ ]}"#
        ),
        (.grpcNaming, #"{"Addr":"h:1"}"#, #"{"Addr":"h:1","Metadata":{"weight":"50"}}"#),
        (.grpcNaming, #"{"Addr":"h:1","Metadata":null}"#, #"{"Addr":"h:1","Metadata":{"weight":"50"}}"#),
        (
            .grpcNaming,
            #"{"Op":0,"Addr":"h:1","Metadata":{"id":"a1","name":"user","more":1,"endpoints":[],"metadata":{"weight":"1"}}}"#,
            #"{"Op":0,"Addr":"h:1","Metadata":{"id":"a1","name":"user","more":1,"endpoints":[],"metadata":{"weight":"50"}}}"#
        ),
        (
            .hostPort, #"{"port":1,"host":"h","dc":1,"instance":{"id":"a1","name":"user","metadata":{}}}"#,
            #"{"port":1,"host":"h","dc":1,"instance":{"id":"a1","name":"user","metadata":{"weight":"50"}}}"#
        ),
    ])
    func labelChangeKeepsAllOtherBytes(_ layout: EtcdLayout, _ value: String, _ expected: String) throws {
        let instance = try read(value, layout)
        let changed = try layout.setting(["weight": "50"], in: Array(value.utf8), of: instance)
        #expect(String(decoding: changed, as: UTF8.self) == expected)
        #expect(try layout.decode(changed, service: "user", id: "a1").weight == 50)
    }

    @Test(arguments: [
        (EtcdLayout.grpcNaming, #"{"Op":0,"Addr":"h:1","Metadata":17}"#),
        (.kratos, #"{"id":"a1","name":"user","metadata":["x"]}"#),
        (.hostPort, #"{"host":"h","port":1}"#),
    ])
    func entryWithoutAPlaceForLabelsRefusesThem(_ layout: EtcdLayout, _ value: String) throws {
        let instance = try read(value, layout)
        let error = #expect(throws: RegistryError.self) {
            try layout.setting(["weight": "50"], in: Array(value.utf8), of: instance)
        }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(layout.rawValue) == true)
        #expect(try layout.setting(["weight": nil], in: Array(value.utf8), of: instance) == Array(value.utf8))
    }

    /// The output of go-kratos, including null.
    @Test func entryWrittenByGoKratosIsRead() throws {
        let value =
            #"{"id":"a1","name":"user","version":"","metadata":null,"endpoints":["grpc://10.0.0.7:9000?isSecure=true"]}"#
        let instance = try read(value, .kratos)
        #expect(instance.endpoints == [Endpoint(scheme: "grpcs", host: "10.0.0.7", port: 9000)])
        #expect(instance.metadata.isEmpty)
    }

    @Test func writtenEntryEqualsGoKratosJSON() throws {
        let text = String(decoding: try EtcdLayout.kratos.encode(full), as: UTF8.self)
        let expected =
            #"{"endpoints":["http://10.0.0.7:8000","grpc://10.0.0.7:9000"],"id":"a1","metadata":{"weight":"50","zone":"x"},"#
            + #""name":"user","version":"1.2.3"}"#
        #expect(text == expected)
    }

    @Test func foreignGRPCNamingEntryIsRead() throws {
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

    /// grpc-go's resolver takes the address of the gRPC server.
    @Test func grpcNamingAddressIsThatOfTheGRPCServer() throws {
        let text = String(decoding: try EtcdLayout.grpcNaming.encode(full), as: UTF8.self)
        #expect(text.hasPrefix(#"{"Addr":"10.0.0.7:9000","Metadata":{"#))
        #expect(text.hasSuffix(#","Op":0}"#))
    }

    @Test func foreignHostPortEntryIsRead() throws {
        let instance = try read(#"{"host":"10.0.0.1","port":8080}"#, .hostPort)
        #expect(instance.endpoints == [Endpoint(scheme: "grpc", host: "10.0.0.1", port: 8080)])
        #expect(throws: (any Error).self) { try read(#"{"host":"","port":8080}"#, .hostPort) }
        #expect(throws: (any Error).self) { try read(#"{"host":"10.0.0.1","port":80800}"#, .hostPort) }
    }

    @Test func instanceUnderAnotherKeyIsRefused() {
        let other = #"{"id":"a2","name":"user","endpoints":[]}"#
        #expect(throws: RegistryError.self) { try read(other, .kratos) }
        let foreign = #"{"id":"a1","name":"order","endpoints":[]}"#
        #expect(throws: RegistryError.self) { try read(foreign, .kratos) }
    }

    /// The other text is random.
    @Test func randomLabelChangesAreReadBackExactly() throws {
        let texts = [
            #"{"id":"a1","name":"user","endpoints":["ws://h:8000/chat?x=1","amqp://u:p@h/"],"metadata":{"n":1.50,"b":true}}"#,
            #"{"metadata":{"weight":"\u0031","ü\n":"\"},{"},"name":"user","id":"a1"}"#,
            #"{"id":"a1","name":"user","deep":\#(String(repeating: "[", count: 400))\#(String(repeating: "]", count: 400))}"#,
        ]
        for text in texts {
            let value = Array(text.utf8)
            let instance = try EtcdLayout.kratos.decode(value, service: "user", id: "a1")
            let changes: [String: String?] = ["weight": "7", "quoted \"": "\u{1}\\", "b": nil]
            let changed = try EtcdLayout.kratos.setting(changes, in: value, of: instance)
            let expected = try instance.settingMetadata(changes)
            #expect(try EtcdLayout.kratos.decode(changed, service: "user", id: "a1") == expected)
        }
    }
}
