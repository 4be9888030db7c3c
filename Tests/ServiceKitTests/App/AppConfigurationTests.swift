import Foundation
import Logging
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKit

/// The settings that an App reads from its configuration, and its errors.
@Suite(.timeLimit(.minutes(1)))
struct AppConfigurationTests {
    static func app(_ yaml: String, plugins: [Plugin] = [], registry: (any Registry)? = MemoryRegistry()) throws -> App
    {
        try App(
            configuration: Configuration(yaml: yaml, origin: "c.yaml"),
            plugins: plugins,
            registry: registry,
            logger: LogRecorder().logger(),
            environment: [:]
        )
    }

    /// The error of a configuration when an App is made or, at the latest, run.
    static func failure(_ yaml: String, plugins: [Plugin] = [], registry: (any Registry)? = nil) -> String? {
        do {
            _ = try app(yaml, plugins: plugins, registry: registry).makeLifecycle()
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func configurationDefinesTheInstance() throws {
        let app = try Self.app(
            """
            app:
              name: user-service
              id: user-1
              version: 1.10
              metadata: {zone: north, weight: 200}
            """
        )
        let expected = ServiceInstance(
            id: "user-1",
            name: "user-service",
            version: "1.10",
            metadata: ["zone": "north", "weight": "200"]
        )
        #expect(app.instance == expected)
    }

    /// Beside a Service of Kubernetes whose name begins with a section's.
    @Test func variablesOfKubernetesDoNotStopTheStart() throws {
        for name in ["APP", "REGISTRY", "CONFIG", "SHUTDOWN", "REGISTRY_ETCD"] {
            let environment = [
                "KIT_\(name)_SERVICE_HOST": "10.0.0.1", "KIT_\(name)_SERVICE_PORT": "80",
                "KIT_\(name)_PORT": "tcp://10.0.0.1:80", "KIT_\(name)_PORT_80_TCP_ADDR": "10.0.0.1",
            ]
            let configuration = try Configuration.load(files: [], environment: environment)
            let app = try App(configuration: configuration, registry: MemoryRegistry(), environment: environment)
            #expect(throws: Never.self) { try app.makeLifecycle() }
        }
    }

    @Test func misspelledVariableNamesTheRightOne() throws {
        let environment = ["KIT_REGISTRY_BACKEND": "etcd"]
        let configuration = try Configuration.load(files: [], environment: environment)
        let app = try App(configuration: configuration, registry: MemoryRegistry(), environment: environment)
        let error = #expect(throws: ConfigurationError.self) { try app.makeLifecycle() }
        #expect(error?.message.contains("write KIT_REGISTRY__BACKEND") == true)
    }

    @Test func eachAppHasAnIDOfItsOwn() throws {
        #expect(try Self.app("app: {name: a}").instance.id != Self.app("app: {name: a}").instance.id)
    }

    @Test(arguments: [
        ("app: {nmae: a}", "c.yaml:1:7: app.nmae: unknown key; did you mean \"name\"?"),
        (
            "app: {advertise: {hosst: a}}",
            "c.yaml:1:19: app.advertise.hosst: unknown key; did you mean \"host\"?"
        ),
        ("app: {name: a b}", "c.yaml:1:13: app.name: service name \"a b\" is not valid"),
        ("app: {name: a, id: /}", "c.yaml:1:20: app.id: instance id \"/\" of service \"a\" is not valid"),
        ("app: {name: a}\nservre: {}", "c.yaml:2:1: servre: unknown key"),
        (
            "app: {name: a}\nserver: {auth: {required: false}}",
            "c.yaml:2:10: server.auth: unknown key; the plugin .auth of ServiceKitAuth, which reads it, is not linked"
        ),
        (
            "app: {name: a}\nregistry: {timout: 5s}",
            "c.yaml:2:12: registry.timout: unknown key; did you mean \"timeout\"?"
        ),
        ("app: {name: a}\nregistry: {timeout: 5}", "c.yaml:2:21: registry.timeout: "),
        ("app: {name: a}\nregistry: {registration: maybe}", "c.yaml:2:26: registry.registration: "),
        ("app: {name: a}\nregistry: memory", "c.yaml:2:11: registry: "),
        (
            "app: {name: a}\nregistry:\n  backend: zookeeper",
            "c.yaml:3:12: registry.backend: no registry backend \"zookeeper\" is linked into this program; "
                + "there are: file, memory, static"
        ),
        (
            "app: {name: a}\nregistry: {backend: memory, memory: {size: 1}}",
            "c.yaml:2:38: registry.memory.size: unknown key"
        ),
        (
            "app: {name: a}\nshutdown: {lameduck: 1s}",
            "c.yaml:2:12: shutdown.lameduck: unknown key; did you mean \"lame-duck\"?"
        ),
        ("app: {name: a}\nstartup: {hook-timeout: soon}", "c.yaml:2:25: startup.hook-timeout: "),
        ("app: {name: a}\nlog: {level: loud}", "c.yaml:2:14: log.level: "),
        ("app: {name: a}\nserver: {timeouts: {defualt: 1s}}", "c.yaml:2:21: server.timeouts.defualt: unknown key"),
    ])
    func mistakesNameFileLineAndKey(yaml: String, message: String) throws {
        let failure = try #require(Self.failure(yaml))
        #expect(failure.hasPrefix(message))
    }

    @Test func durationWithoutAUnitNamesTheRemedy() throws {
        #expect(
            Self.failure("app: {name: a}\nregistry: {timeout: 5}")?.contains("add a unit: h, m, s, ms, us, ns") == true)
    }

    static let others = "app: {name: a}\nregistry: {backend: memory, file: {anything: 1}, static: {services: 7}}"

    @Test func sectionsOfOtherBackendsAreNotDecoded() {
        #expect(Self.failure(Self.others) == nil)
    }

    @Test func givenRegistryReadsNoBackendSection() {
        #expect(Self.failure(Self.others, registry: MemoryRegistry()) == nil)
    }

    @Test func logLevelIsSet() throws {
        #expect(try Self.app("app: {name: a}\nlog: {level: error}").logger.logLevel == .error)
        for level in Logger.Level.allCases {
            #expect(try Self.app("app: {name: a}\nlog: {level: \(level)}").logger.logLevel == level)
        }
    }

    // MARK: - Plugins

    struct OtherBackend: RegistryBackend {
        struct Options: ConfigurationSection {
            var address = "nowhere"
        }

        static let name = "other"

        static func make(_ options: Options, logger: Logger) throws -> any Registry {
            guard options.address != "nowhere" else { throw Failure("no address") }
            return MemoryRegistry()
        }
    }

    @Test func aPluginAddsABackendAndABalancer() throws {
        let plugins: [Plugin] = [.registry(OtherBackend.self), .balancer("first") { RoundRobin(startingAt: 0) }]
        let yaml = "app: {name: a}\nregistry: {backend: other, other: {address: here}}"
        let app = try Self.app(yaml, plugins: plugins, registry: nil)
        #expect(app.registry is MemoryRegistry)
        #expect(app.balancers.names == (["first"] + Balancers.embedded.names).sorted())
        #expect(try app.balancers.make("first") is RoundRobin)
        #expect(try app.balancers.make("p2c") is PowerOfTwoChoices)
        #expect(throws: ConfigurationError.self) { try app.balancers.make("last") }
        #expect(
            Self.failure("app: {name: a}\nregistry: {backend: other}", plugins: plugins) == "registry.other: no address"
        )
        #expect(
            Self.failure("app: {name: a}\nregistry: {backend: no}", plugins: plugins)?
                .hasSuffix("there are: file, memory, other, static") == true
        )
    }

    @Test func serversAreMadeAtTheStart() throws {
        let app = try Self.app("app: {name: a}\nserver: {fake: {port: 7}}")
        let names = Watched<[String]>([])
        app.addServer { app in
            names.set(app.configuration.keys(at: "server.fake") + [app.serverMiddleware.isEmpty ? "none" : "some"])
            _ = try app.configuration.decode([String: Int].self, at: "server.fake")
            return FakeServer(events: Events())
        }
        _ = try app.makeLifecycle()
        #expect(names.value == ["port", "some"])
    }

    @Test func componentsAreMadeOnce() throws {
        let app = try Self.app("app: {name: a}")
        let first = app.component(Events.self) { Events() }
        #expect(app.component(Events.self) { Events() } === first)
    }

    // MARK: - Arguments

    static func arguments(config: String? = nil, profile: String? = nil, set: [String] = []) -> AppArguments {
        var arguments = AppArguments()
        arguments.config = config
        arguments.profile = profile
        arguments.set = set
        return arguments
    }

    static func withFile(_ yaml: String, _ body: (String) throws -> Void) throws {
        let directory = try TemporaryDirectory()
        try body(try directory.write(yaml, to: "config.yaml"))
    }

    @Test func argumentsNameTheFileAndSetValues() throws {
        try Self.withFile("app: {name: a, version: '1', id: x}") { file in
            let arguments = Self.arguments(config: file, set: ["app.version=2", "app.id=-y"])
            let environment = ["KIT_APP__VERSION": "3", "KIT_APP__NAME": "b", "KIT_CONFIG": "/nowhere"]
            let configuration = try arguments.configuration(environment: environment)
            let options = try configuration.decode(AppOptions.self, at: "app")
            // The environment overrides the file, and the command line overrides both.
            #expect(options.name == "b" && options.version == "2" && options.id == "-y")
        }
    }

    @Test func theEnvironmentNamesTheFile() throws {
        try Self.withFile("app: {name: from-file}") { file in
            let arguments = Self.arguments()
            let configuration = try arguments.configuration(environment: ["KIT_CONFIG": file])
            #expect(try configuration.decode(AppOptions.self, at: "app").name == "from-file")
        }
    }

    @Test func aProfileIsReadOverTheFile() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("app: {name: a, version: '1'}", to: "config.yaml")
        try directory.write("app: {version: '2'}", to: "config.production.yaml")
        func options(_ profile: String?, _ environment: [String: String] = [:]) throws -> AppOptions {
            try Self.arguments(config: file, profile: profile)
                .configuration(environment: environment).decode(AppOptions.self, at: "app")
        }
        #expect(try options(nil).version == "1")
        #expect(try options("production").version == "2")
        #expect(try options("production").name == "a")
        #expect(try options(nil, ["KIT_PROFILE": "production"]).version == "2")
        // The command line is stronger than the environment.
        #expect(try options("production", ["KIT_PROFILE": "staging"]).version == "2")
        let missing = #expect(throws: ConfigurationError.self) { try options("staging") }
        #expect(
            missing?.description.hasSuffix("config.staging.yaml: no such file; create it or name another one") == true)
        #expect(throws: ConfigurationError.self) { try options("../staging") }
    }

    @Test func missingFileGivesTheDefaults() throws {
        let configuration = try Self.arguments().configuration(environment: ["KIT_CONFIG": ""])
        #expect(try configuration.decode(AppOptions.self, at: "app") == AppOptions())
    }

    @Test func namedFileMustExist() throws {
        let arguments = Self.arguments(config: "/nowhere/c.yaml")
        let error = #expect(throws: ConfigurationError.self) { try arguments.configuration(environment: [:]) }
        #expect(error?.description == "/nowhere/c.yaml: no such file; create it or name another one")
    }

    @Test func optionsHaveTheDefaultsOfTheGuidesTable() throws {
        let none = Configuration()
        let startup = try none.decode(StartupOptions.self, at: "startup")
        #expect(startup.hookTimeout == .seconds(30) && startup.readyTimeout == .seconds(30))
        let shutdown = try none.decode(ShutdownOptions.self, at: "shutdown")
        #expect(shutdown.hookTimeout == .seconds(10) && shutdown.deregisterTimeout == .seconds(5))
        #expect(shutdown.lameDuck == .seconds(1) && shutdown.drainTimeout == .seconds(30))
        #expect(shutdown.releaseTimeout == .seconds(5))
        let registry = RegistryOptions()
        #expect(registry.backend == "file" && registry.registration == .required && registry.timeout == .seconds(20))
        #expect(AdvertiseOptions().family == .ipv4 && LogOptions().level == .info && AppOptions().version.isEmpty)
        #expect(Deadlines.Options().default == nil && Deadlines.Options().methods.isEmpty)
    }
}
