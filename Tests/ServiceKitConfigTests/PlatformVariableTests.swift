import ServiceKitConfig
import Testing

/// Variables that Kubernetes and Docker set for neighbouring services.
@Suite struct PlatformVariableTests {
    static let sections = ["app", "client", "log", "registry", "server", "shutdown", "startup"]

    struct App: ConfigurationSection {
        var name = "a"
        var id: String?
    }

    struct Registry: ConfigurationSection {
        var backend = "file"
        var timeout = Duration.seconds(10)
        var file = File()

        struct File: ConfigurationSection {
            var directory = "/"
        }
    }

    struct Database: ConfigurationSection {
        var serviceHost = "localhost"
    }

    /// The error of a service with these sections.
    private func failure(_ environment: [String: String]) -> String {
        errorText {
            let configuration = try layered(environment)
            configuration.claim("registry.etcd")
            _ = try configuration.decode(App.self, at: "app")
            _ = try configuration.decode(Registry.self, at: "registry")
            _ = try configuration.decode(Database.self, at: "database")
            for section in Self.sections where !["app", "registry"].contains(section) { configuration.claim(section) }
            try configuration.checkForUnknownKeys()
        }
    }

    /// The variables that the kubelet sets for a Service with two ports.
    static func kubernetes(_ service: String, address: String = "10.0.0.1") -> [String: String] {
        let name = service.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
        let host = address.contains(":") ? "[\(address)]" : address
        var variables = [
            "SERVICE_HOST": address, "SERVICE_PORT": "80", "SERVICE_PORT_GRPC": "80", "SERVICE_PORT_DNS_UDP": "53",
            "PORT": "tcp://\(host):80",
        ]
        for (port, transport) in [("80", "tcp"), ("53", "udp"), ("9", "sctp")] {
            let prefix = "PORT_\(port)_\(transport.uppercased())"
            variables[prefix] = "\(transport)://\(host):\(port)"
            variables["\(prefix)_PROTO"] = transport
            variables["\(prefix)_PORT"] = port
            variables["\(prefix)_ADDR"] = address
        }
        return Dictionary(uniqueKeysWithValues: variables.map { ("\(name)_\($0)", $1) })
    }

    static let services =
        [
            "kit", "kit-config", "kit-profile", "kit-registry-etcd", "kit--registry", "kit-server--grpc",
            "kit-service-port",
        ]
        + sections.map { "kit-\($0)" }

    @Test(arguments: services) func kubernetesVariablesAreIgnored(service: String) throws {
        let environment = Self.kubernetes(service)
        #expect(try layered(environment).keys(at: "") == [])
        #expect(failure(environment) == "no error")
        #expect(failure(Self.kubernetes(service, address: "fd00::1")) == "no error")
    }

    /// A part of a group is recognised too, since not every platform sets all of it.
    @Test func eachOfThemIsLetPassByItself() {
        for (name, value) in Self.kubernetes("kit-registry") {
            #expect(failure([name: value]) == "no error", "\(name)=\(value)")
        }
    }

    @Test func dockerLinkVariablesAreIgnored() throws {
        let environment = [
            "KIT_APP_NAME": "/web/kit-app", "KIT_APP_ENV_VERSION": "1", "KIT_APP_ENV_KIT_REGISTRY__BACKEND": "etcd",
            "KIT_APP_PORT": "tcp://172.17.0.5:80", "KIT_APP_PORT_80_TCP": "tcp://172.17.0.5:80",
            "KIT_APP_PORT_80_TCP_START": "tcp://172.17.0.5:80", "KIT_APP_PORT_80_TCP_END": "tcp://172.17.0.5:82",
            "KIT_APP_PORT_80_TCP_PORT_START": "80", "KIT_APP_PORT_80_TCP_PORT_END": "82",
        ]
        #expect(try layered(environment).keys(at: "") == [])
        #expect(failure(environment) == "no error")
    }

    /// The user's own variables count beside them.
    @Test func theUsersVariablesStay() throws {
        let environment = Self.kubernetes("kit-registry").merging(["KIT_REGISTRY__BACKEND": "memory"]) { $1 }
        #expect(failure(environment) == "no error")
        #expect(try layered(environment).decode(Registry.self, at: "registry").backend == "memory")
        let mistake = Self.kubernetes("kit-registry").merging(["KIT_REGISTRY_BACKEND": "etcd"]) { $1 }
        #expect(failure(mistake).contains("write KIT_REGISTRY__BACKEND"))
        let own = try layered(["KIT_METRICS_PORT": "9090"])
        #expect(try own.decode(Int.self, at: "metrics-port") == 9090)
    }

    /// A variable in the platform's form that spells a known key may be a mistake, unless other variables show the
    /// platform.
    @Test func aKnownKeyIsNotTakenForThePlatforms() {
        #expect(
            failure(["KIT_DATABASE_SERVICE_HOST": "10.0.0.1"]).contains(
                "write KIT_DATABASE__SERVICE_HOST, two underscores")
        )
        #expect(failure(Self.kubernetes("kit-database")) == "no error")
    }

    @Test(arguments: [
        (
            "KIT_REGISTRY_BACKEND", "etcd",
            "to set registry.backend, write KIT_REGISTRY__BACKEND, two underscores between parts"
        ),
        ("KIT_REGISTRY_FILE_DIRECTORY", "/x", "to set registry.file.directory, write KIT_REGISTRY__FILE__DIRECTORY"),
        ("KIT_REGISTRY__FILE_DIRECTORY", "/x", "to set registry.file.directory, write KIT_REGISTRY__FILE__DIRECTORY"),
        ("KIT_APP_ID", "1", "to set app.id, write KIT_APP__ID"),
        ("KIT_APP_NAME", "user", "to set app.name, write KIT_APP__NAME"),
        ("KIT_REGISTRY_BAKCEND", "etcd", "did you mean KIT_REGISTRY__BACKEND?"),
        ("KIT_REGISTY_BACKEND", "etcd", "did you mean KIT_REGISTRY__BACKEND?"),
        (
            "KIT_REGISTRY_PORT", "80",
            "known keys of registry: backend, etcd, file, timeout; write two underscores between parts, as in "
                + "KIT_REGISTRY__BACKEND"
        ),
        ("KIT_REGISTRY_ETCD_TTL", "5s", "the variables for registry.etcd begin with KIT_REGISTRY__ETCD__"),
        ("KIT_SERVER_PORT", "80", "the variables for server begin with KIT_SERVER__"),
    ])
    func theAdviceNamesKnownKeys(variable: String, value: String, advice: String) {
        let text = failure([variable: value])
        #expect(text.hasPrefix("environment variable \(variable): "))
        #expect(text.contains("unknown key; \(advice)"), "\(text)")
    }

    @Test(arguments: [
        ("KIT_REGISTRY_PORT", "80"), ("KIT_REGISTRY_PORT", "http://10.0.0.1:80"),
        ("KIT_REGISTRY_PORT", "tcp://10.0.0.1"),
        ("KIT_REGISTRY_PORT", "tcp://10.0.0.1:x"), ("KIT_REGISTRY_PORT_80_TCP", "80"),
        ("KIT_REGISTRY_PORT_80_TCP", "udp://10.0.0.1:80"), ("KIT_REGISTRY_PORT_80_ICMP", "icmp://10.0.0.1:80"),
        ("KIT_REGISTRY_PORT_0_TCP_ADDR", "10.0.0.1"), ("KIT_REGISTRY_PORT_80_TCP_HOST", "10.0.0.1"),
        ("KIT_REGISTRY_PORT_80_tcp_ADDR", "10.0.0.1"), ("KIT_REGISTRY_SERVICE_HOST", "etcd"),
        ("KIT_REGISTRY_SERVICE_HOST", ""), ("KIT_REGISTRY_SERVICE_PORT", "http"),
        ("KIT_REGISTRY_SERVICE_PORT", "65536"),
        ("KIT_REGISTRY_NAME", "etcd"), ("KIT_REGISTRY_NAME", "/web/other"), ("KIT_REGISTRY_ENV_BACKEND", "etcd"),
        ("KIT_REGISTRY_SERVICE", "10.0.0.1"),
    ])
    func similarVariablesAreRefused(variable: String, value: String) {
        #expect(failure([variable: value]).contains("registry"), "\(variable)=\(value)")
    }

    /// For example `KIT_REGISTRY=ghcr.io/kit`, from a pipeline that pushes images.
    @Test(arguments: ["app", "registry", "log"]) func valueForASectionNamesTheRemedy(section: String) {
        let variable = "KIT_\(section.uppercased())"
        let error =
            "environment variable \(variable): \(section): expected a mapping, found a text of 1 character; unset it; the variables "
            + "for keys of \(section) begin with \(variable)__"
        #expect(errorText { _ = try layered([variable: "x"]).decode(App.self, at: section) } == error)
        #expect(errorText { _ = try layered([variable: "x"]).decode(String.self, at: "\(section).level") } == error)
        #expect(
            errorText {
                let configuration = try layered([variable: "x"])
                configuration.claim("\(section).level")
                try configuration.checkForUnknownKeys()
            } == error
        )
    }

    @Test(arguments: ["KIT_HOME", "KIT_TEST_PYTHON", "KIT_VERSION", "KIT_CI_JOB_ID"])
    func variablesOfOtherProgramsAreIgnored(variable: String) {
        #expect(failure([variable: "x"]) == "no error")
    }
}
