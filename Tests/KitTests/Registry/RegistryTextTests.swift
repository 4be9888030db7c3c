import Foundation
import Logging
import ServiceKit
import ServiceKitGRPC
import Testing

@testable import ServiceKitCommand

/// The output of `kit registry`, without a registry.
@Suite struct RegistryTextTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private static func instance(
        _ id: String,
        of service: String = "user-service",
        metadata: [String: String] = [:]
    ) -> ServiceInstance {
        ServiceInstance(
            id: id, name: service, version: "1.0", metadata: metadata,
            endpoints: [Endpoint(scheme: "grpc", host: "10.0.0.7", port: 9000)]
        )
    }

    @Test func columnsAreAligned() {
        let started = Self.now.addingTimeInterval(-90).formatted(.iso8601)
        let lines = InstanceTable(namesServices: true).lines(
            [
                Self.instance(
                    "user-1", metadata: ["zone": "eu", "weight": "50", "offline": "true", "started": started]),
                ServiceInstance(id: "a", name: "b"),
            ],
            now: Self.now
        )
        #expect(
            lines == [
                "SERVICE       ID      ENDPOINTS             VERSION  ZONE  WEIGHT  AGE  STATE",
                "user-service  user-1  grpc://10.0.0.7:9000  1.0      eu    50      90s  offline",
                "b             a       -                     -        -     100     -    online",
            ]
        )
    }

    @Test func lanesHaveAColumnWhereThereIsOne() throws {
        let instances = [Self.instance("a", metadata: ["lane": "blue"]), Self.instance("b", metadata: ["lane": ""])]
        let lines = InstanceTable(namesServices: false).lines(instances, now: Self.now)
        #expect(
            lines == [
                "ID  ENDPOINTS             VERSION  LANE  ZONE  WEIGHT  AGE  STATE",
                "a   grpc://10.0.0.7:9000  1.0      blue  -     100     -    online",
                "b   grpc://10.0.0.7:9000  1.0      -     -     100     -    online",
            ]
        )
        #expect(try JSONText.line(InstanceReport(instance: instances[0])).contains(#""lane":"blue""#))
    }

    /// An instance in the form of another framework.
    private static func foreign(
        _ id: String, _ endpoints: [String], metadata: [String: String] = [:]
    ) throws
        -> ServiceInstance
    {
        let members: [String: Any] = ["id": id, "name": "user-service", "endpoints": endpoints, "metadata": metadata]
        return try JSONDecoder().decode(ServiceInstance.self, from: JSONSerialization.data(withJSONObject: members))
    }

    @Test func unreadableEndpointsAreMarkedAndSecretsMasked() throws {
        let instance = try Self.foreign(
            "m1", ["grpc://h:1", "amqp://u:p@h:5672/"], metadata: ["db": "postgres://u:p@h/x"])
        let line = try #require(InstanceTable(namesServices: false).lines([instance]).last)
        #expect(line.hasPrefix("m1  grpc://h:1,amqp://u:***@h:5672/(?)  "))
        #expect(
            WatchEvent.joined(instance).line
                == "joined   user-service/m1  grpc://h:1  amqp://u:***@h:5672/(?)  db=postgres://u:***@h/x"
        )
        let json = try JSONText.line(InstanceReport(instance: instance))
        #expect(json.contains(#""unreadableEndpoints":["amqp://u:***@h:5672/"]"#))
        #expect(json.contains(#""metadata":{"db":"postgres://u:***@h/x"}"#))
        #expect(CommandFailure("no amqp://u:p@h:5672/").description == "no amqp://u:***@h:5672/")
        let log = TerminalLog.line("skipped", ["key": "a\nb", "cause": "\"http://u:p@h\""])
        #expect(log == "kit: skipped (key: a?b, cause: \"http://u:***@h\")")
    }

    @Test func offlineInstanceShowsItsFormerWeight() throws {
        let online = Self.instance("a", metadata: ["weight": "50"])
        let offline = Self.instance("a", metadata: ["weight": "0", "offline": "true", "offline-weight": "50"])
        let line = try #require(InstanceTable(namesServices: false).lines([offline]).last)
        #expect(line.hasSuffix("50      -    offline"))
        #expect(WatchEvent.changed(offline, from: online).line == "changed  user-service/a  offline=true")
        #expect(WatchEvent.changed(online, from: offline).line == "changed  user-service/a  offline removed")
    }

    @Test func controlCharactersAreRemoved() {
        var table = TextTable(["A"])
        table.add(["x\u{1B}[2J\n\u{202E}y"])
        #expect(table.lines == ["A", "x?[2J??y"])
    }

    /// A row with a text of this length took minutes.
    @Test(.timeLimit(.minutes(1))) func longTextsAreCut() throws {
        let long = String(repeating: "z", count: 64 << 10)
        let instance = Self.instance("a", metadata: ["zone": long, "lane": long, "note": long])
        let lines = InstanceTable(namesServices: true).lines([Self.instance("b"), instance])
        let cut = String(repeating: "z", count: 59) + "…"
        #expect(lines[2].contains("  \(cut)  \(cut)  100 "))
        #expect(lines.allSatisfy { $0.count < 300 })
        #expect(WatchEvent.joined(instance).line.count < 600)
        #expect(try JSONText.line(InstanceReport(instance: instance)).contains(long))
        var table = TextTable(["A"])
        table.add([long])
        table.add(["a"])
        #expect(table.lines == ["A", long, "a"])
    }

    @Test(arguments: [
        (0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172_799, "47h"), (172_800, "2d"),
        (-60, "0s"),
    ])
    func agesAreShort(_ seconds: Int, _ text: String) {
        let started = Self.now.addingTimeInterval(-Double(seconds)).formatted(.iso8601)
        #expect("\(Age(of: Self.instance("a", metadata: ["started": started]), now: Self.now))" == text)
    }

    @Test func unknownAgeIsADash() {
        #expect("\(Age(of: Self.instance("a"), now: Self.now))" == "-")
        #expect("\(Age(of: Self.instance("a", metadata: ["started": "today"]), now: Self.now))" == "-")
        let firstSeen = Self.now.addingTimeInterval(-12)
        #expect("\(Age(of: Self.instance("a"), firstSeen: firstSeen, now: Self.now))" == ">12s")
    }

    // MARK: - Naming an instance

    private static let known = [
        instance("user-1"), instance("user-10"), instance("user-2"), instance("order-1", of: "order-service"),
        instance("same", of: "a"), instance("same", of: "b"),
    ]

    @Test(arguments: [("user-1", "user-1"), ("user-2", "user-2"), ("user-10", "user-10"), ("o", "order-1")])
    func anInstanceIsNamedByItsIDOrABeginning(_ text: String, _ id: String) throws {
        #expect(try InstanceChoice.choose(text, among: Self.known, of: nil).id == id)
    }

    @Test(arguments: [
        (
            "user",
            "\"user\" may be any of 3 instances: user-service/user-1, user-service/user-10, user-service/user-2; "
                + "write more of the id"
        ),
        ("same", "\"same\" may be any of 2 instances: a/same, b/same; write --service as well"),
        ("x", "no service has an instance \"x\"; kit registry list shows those there are"),
    ])
    func ambiguousOrUnknownIDIsRefused(_ text: String, _ message: String) {
        let error = #expect(throws: CommandFailure.self) {
            try InstanceChoice.choose(text, among: Self.known, of: nil)
        }
        #expect(error?.description == message)
    }

    // MARK: - JSON

    @Test func theFieldsOfJSONAreStable() throws {
        let instance = Self.instance("user-1", metadata: ["weight": "50", "offline": "true"])
        #expect(
            try JSONText.line(InstanceReport(instance: instance))
                == #"{"endpoints":["grpc://10.0.0.7:9000"],"id":"user-1","lane":null,"metadata":{"offline":"true","weight":"50"},"#
                + #""offline":true,"service":"user-service","started":null,"version":"1.0","weight":50,"zone":null}"#
        )
        #expect(
            try JSONText.line(WatchEvent.away(service: "a", cause: "gone"))
                == #"{"cause":"gone","event":"away","service":"a"}"#
        )
    }

    // MARK: - Watching

    @Test func changesAreToldInLines() {
        let (a, b) = (Self.instance("a", metadata: ["zone": "eu"]), Self.instance("b"))
        var changed = Self.instance("a", metadata: ["weight": "7"])
        changed.version = "2.0"
        func lines(_ old: DiscoverySnapshot?, _ new: DiscoverySnapshot) -> [String] {
            WatchEvent.between(old, new, of: "user-service").map(\.line)
        }
        let first = DiscoverySnapshot(instances: [a], state: .live)
        #expect(lines(nil, first) == ["joined   user-service/a  grpc://10.0.0.7:9000  version=1.0  zone=eu"])
        let second = DiscoverySnapshot(instances: [changed, b], state: .live)
        #expect(
            lines(first, second) == [
                "changed  user-service/a  version=2.0  weight=7  zone removed",
                "joined   user-service/b  grpc://10.0.0.7:9000  version=1.0",
            ]
        )
        let stale = DiscoverySnapshot(instances: [b], state: .stale(since: .now, cause: "cut"))
        #expect(lines(second, stale) == ["left     user-service/a", "away     user-service  cut"])
        #expect(lines(stale, stale) == [])
        #expect(lines(stale, DiscoverySnapshot(instances: [b], state: .live)) == ["back     user-service"])
    }

    @Test func screenFitsTheTerminalAndRedraws() {
        var screen = WatchScreen(title: "users", namesServices: false)
        let instances = InstanceSet((1...9).map { Self.instance("user-\($0)") })
        let services = ["user-service": DiscoverySnapshot(instances: instances, state: .live)]
        let lines = screen.lines(services, size: .init(rows: 6, columns: 30), now: Self.now)
        #expect(lines.count == 5)
        #expect(lines.first == "users: 9 instances; ctrl-C end")
        #expect(lines.last == "... and 7 more")
        #expect(lines.allSatisfy { $0.count <= 30 })
        let later = screen.lines(services, size: .init(rows: 40, columns: 200), now: Self.now.addingTimeInterval(3))
        #expect(later.count == 11)
        #expect(later.last?.contains(">3s") == true)
        #expect(screen.frame(["a", "b"]) == "a\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
        #expect(screen.frame(["c"]) == "\r\u{1B}[2Ac\u{1B}[K\n\u{1B}[J")
    }

    @Test func addressesLeaveOutOfflineInstances() {
        let instances = [
            Self.instance("a"), Self.instance("b", metadata: ["offline": "true"]),
            ServiceInstance(id: "c", name: "user-service", endpoints: [Endpoint(scheme: "http", host: "h", port: 80)]),
        ]
        func addresses(_ scheme: String) -> [String] {
            ResolveCommand.addresses(of: instances, EndpointChoice(schemes: [scheme])).map(\.address)
        }
        #expect(addresses("grpc") == ["10.0.0.7:9000"])
        #expect(addresses("http") == ["h:80"])
    }

    @Test(arguments: [
        (
            ["grpc"], ["grpcs://h:1", "http://h:2"],
            "by grpc; the others have grpcs, http: --scheme grpcs"
        ),
        (["http"], ["grpc://h:1"], "by http; the others have grpc: --scheme grpc"),
        (
            ["grpcs"], ["ws://h:1", "grpc://h:1"],
            "by grpcs; the others have grpc, ws: --scheme grpc; clients with the section client.tls "
                + "call grpcs only"
        ),
        (
            ["grpcs", "grpc"], ["https://api.example.com", "amqp://u:p@h"],
            "by grpc; not read as scheme://host:port: https://api.example.com and 1 more"
        ),
    ])
    func missingAddressNamesTheOtherEndpoints(_ schemes: [String], _ endpoints: [String], _ text: String) throws {
        let instance = try Self.foreign("a", endpoints)
        let choice = EndpointChoice(schemes: schemes)
        #expect(ResolveCommand.addresses(of: [instance], choice).isEmpty)
        #expect(
            ResolveCommand.failure(of: "user-service", [instance], choice)
                == "service \"user-service\" has 1 instance, and none to call \(text)"
        )
    }
}
