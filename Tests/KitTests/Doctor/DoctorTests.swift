import Foundation
import ServiceKit
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

@Suite struct CheckTests {
    @Test(
        arguments: [
            ("Swift version 6.3.1 (swift-6.3.1-RELEASE)\nTarget: x86_64", Finding.Verdict.good),
            ("swift-driver version: 1.120.5 Apple Swift version 6.1.2", .bad),
            ("Swift version 6.1 (x)", .bad),
            ("Swift version 5.10.1", .bad),
            ("nonsense", .bad),
            (nil, .bad),
        ] as [(String?, Finding.Verdict)])
    func swift(output: String?, verdict: Finding.Verdict) {
        #expect(Check.swift(output).verdict == verdict)
    }

    @Test func missingToolHasARemedy() {
        #expect(Check.swift(nil).remedy?.contains("install") == true)
        #expect(Check.protoc(nil).verdict == .warning)
        #expect(Check.protoc(nil).remedy == "apt-get install protobuf-compiler")
        #expect(Check.protoc("libprotoc 3.21.12\n") == .good("3.21.12"))
        #expect(Check.swift("swift could not be run: no memory").text.contains("no memory"))
    }

    @Test func clock() {
        #expect(Check.clock("yes\n").verdict == .good)
        #expect(Check.clock("no\n").verdict == .warning)
        #expect(Check.clock(nil).verdict == .good)
    }

    @Test func inotify() {
        #expect(Check.inotify(watches: 65_536, instances: 128).verdict == .good)
        #expect(Check.inotify(watches: 100, instances: 128).remedy?.contains("max_user_watches") == true)
        #expect(Check.inotify(watches: 65_536, instances: 8).remedy?.contains("max_user_instances") == true)
        #expect(Check.inotify(watches: nil, instances: nil).verdict == .good)
    }

    @Test func lines() {
        let bad = NamedFinding(name: "port", finding: .bad("in use", remedy: "free it"))
        #expect(bad.lines(width: 6, on: .output).map { $0.filter(\.isASCII) } == [" port:   in use", "     free it"])
    }
}

@Suite(.timeLimit(.minutes(3))) struct DoctorTests {
    @Test func aCheckThatHangsIsGivenUp() async {
        let findings = await DoctorCommand.findings(
            of: [
                Check("slow") {
                    await untilCancelled(); return .good("")
                }, Check("quick") { .good("fine") },
            ],
            limit: .seconds(3)
        )
        #expect(findings.map(\.name) == ["slow", "quick"])
        #expect(findings.map(\.finding.verdict) == [.bad, .good])
    }

    /// Enough checks to block each thread of the pool.
    @Test func checksThatBlockTheirThreadsHoldUpNoOther() async throws {
        let gate = ThreadGate()
        defer { gate.open() }
        let blocked = (1...64).map { number in
            Check(
                "blocked \(number)",
                blocking: {
                    gate.pass(); return .good("")
                }
            )
        }
        let findings = await DoctorCommand.findings(
            of: blocked + [Check("quick") { .good("fine") }], limit: .seconds(3))
        #expect(findings.map(\.finding.verdict) == blocked.map { _ in .bad } + [.good])
    }

    private func findings(
        _ settings: [String],
        environment: [String: String] = [:]
    ) async throws -> (RunningProgram.Exit, [String: [String: String]]) {
        let result = try await Kit.run(
            ["doctor", "--json"] + settings.flatMap { ["--set", $0] },
            environment: environment
        )
        let list = try JSONDecoder().decode([[String: String]].self, from: Data(result.output.utf8))
        return (result.exit, Dictionary(uniqueKeysWithValues: list.map { ($0["name"] ?? "", $0) }))
    }

    @Test func unreachableRegistryHasARemedy() async throws {
        let (exit, findings) = try await findings([
            "registry.backend=etcd", "registry.etcd.endpoints=[http://127.0.0.1:1]",
        ])
        #expect(exit == .exited(1))
        #expect(findings["registry"]?["verdict"] == "bad")
        #expect(findings["registry"]?["remedy"]?.contains("start it") == true)
        #expect(findings["swift"]?["verdict"] == "good", "\(findings)")
        #expect(findings["libraries"]?["verdict"] == "good")
    }

    @Test func healthyMachineHasNoFaults() async throws {
        let service = try TinyService("alpha")
        let (exit, findings) = try await findings(["registry.file.directory=\(service.path)/registry"])
        #expect(exit == .exited(0))
        #expect(findings["registry"]?["verdict"] == "good")
        #expect(findings["registry directory"]?["finding"] == "\(service.path)/registry")
    }

    @Test func aPortInUse() async throws {
        let listener = try Listener()
        let (exit, findings) = try await findings(["server.grpc.listen=127.0.0.1:\(listener.port)"])
        #expect(exit == .exited(1))
        #expect(findings["port of grpc"]?["verdict"] == "bad")
        #expect(findings["port of grpc"]?["finding"]?.contains("in use") == true)
    }

    @Test func aFileInTheWayOfTheRegistry() async throws {
        let service = try TinyService("alpha")
        let (exit, findings) = try await findings(["registry.file.directory=\(service.path)/Package.swift"])
        #expect(exit == .exited(1))
        #expect(findings["registry directory"]?["verdict"] == "bad")
    }

    @Test func aMistakeInTheConfiguration() async throws {
        let (exit, findings) = try await findings(["server.grpc.lisen=127.0.0.1:0"])
        #expect(exit == .exited(1))
        #expect(findings["configuration"]?["finding"]?.contains("did you mean \"listen\"?") == true)
    }

    @Test func aVariableWithTheWrongUnderscores() async throws {
        let service = try TinyService("alpha")
        let settings = ["registry.file.directory=\(service.path)/registry"]
        let (exit, findings) = try await findings(settings, environment: ["KIT_REGISTRY_BACKEND": "etcd"])
        #expect(exit == .exited(1))
        #expect(findings["configuration"]?["finding"]?.contains("write KIT_REGISTRY__BACKEND") == true)
        let (_, platforms) = try await self.findings(
            settings, environment: ["KIT_REGISTRY_PORT": "tcp://10.0.0.1:80", "KIT_REGISTRY_SERVICE_PORT": "80"])
        #expect(platforms["configuration"]?["verdict"] == "good")
    }

    @Test func forPeople() async throws {
        let service = try TinyService("alpha")
        let result = try await Kit.run(["doctor", "--set", "registry.file.directory=\(service.path)/registry"])
        #expect(result.output.contains("✓ swift:"))
        #expect(!result.output.contains("\u{1B}"))
    }
}

@Suite(.timeLimit(.minutes(3))) struct VersionTests {
    @Test func version() async throws {
        let result = try await Kit.run(["version"])
        #expect(result.exit == .exited(0))
        #expect(result.output.hasPrefix("kit \(KitVersion.current)\nSwift 6."))
        #expect(result.output.contains("registries: etcd, file, memory, static\n"))
        #expect(try await Kit.run(["--version"]).output == "\(KitVersion.current)\n")
    }

    @Test(arguments: [["--help"], ["run", "--help"], ["config", "check", "--help"], ["doctor", "--help"]])
    func helpHasExamples(arguments: [String]) async throws {
        let result = try await Kit.run(arguments)
        #expect(result.exit == .exited(0))
        #expect(result.output.contains("\n  kit "))
    }
}

/// A socket that listens on a free port.
private final class Listener {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = descriptor
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) + listen(listener, 1) + getsockname(listener, $0, &length)
            }
        }
        try #require(result == 0)
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}
