import ArgumentParser
import GRPCCore
import GRPCNghttp2Transport
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC

/// `kit call`: one call, described by the server itself.
struct CallCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "call",
            abstract: "Calls a method of a service, with JSON for messages.",
            discussion: """
                NAME is the service's in the registry: its instances are found there, and
                calls are balanced over them. What they serve they tell themselves, by gRPC
                server reflection (server.grpc.reflection).

                  kit call user-service/GetUser -d '{"id": 1}'
                  kit call user-service/user.v1.UserService/GetUser -d @request.json
                  kit call user-service --list
                  kit call user-service/GetUser --describe
                  kit call user.v1.UserService/GetUser --address 127.0.0.1:9000

                Each message of the response is printed as JSON when it comes. The exit code
                is 0 when the call succeeded, and 1 with its gRPC status on standard error
                when it did not.
                """
        )
    }

    /// A duration, written as in the configuration.
    struct Timeout: ExpressibleByArgument {
        static let standard = Timeout(duration: .seconds(10), defaultValueDescription: "10s")

        let duration: Duration
        let defaultValueDescription: String

        private init(duration: Duration, defaultValueDescription: String) {
            self.duration = duration
            self.defaultValueDescription = defaultValueDescription
        }

        init?(argument: String) {
            guard let duration = Duration(configurationText: argument), duration > .zero else { return nil }
            self.init(duration: duration, defaultValueDescription: argument)
        }
    }

    @Argument(help: ArgumentHelp("The service or method to call; with --address SERVICE/METHOD.", valueName: "name/[service/]method"))
    var target: String

    @Option(
        name: [.customShort("d"), .customLong("data")],
        help: ArgumentHelp(
            "The message, or several for a stream of them; @FILE reads a file, @- standard input; {} without it.",
            valueName: "json"
        )
    )
    var data: String?

    @Option(
        name: [.customShort("H"), .customLong("header")],
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A header of the call; one whose name ends in -bin in base64.", valueName: "name: value")
    )
    var headers: [String] = []

    @Option(help: ArgumentHelp("How long everything may take, as in 500ms.", valueName: "duration"))
    var timeout = Timeout.standard

    @Flag(help: "Print also fields that hold their default values.")
    var emitDefaults = false

    @Flag(help: "List the methods instead of calling one.")
    var list = false

    @Flag(help: "Print the methods and their messages, as in a .proto file, instead of calling one.")
    var describe = false

    @OptionGroup var address: CallAddress
    @OptionGroup var arguments: AppArguments

    func validate() throws {
        if list, describe { throw ValidationError("--list and --describe do not go together") }
    }

    func run() async throws {
        let target = try CallTarget(target, hasAddress: address.address != nil)
        let task: CallSession.Task = list ? .list : describe ? .describe : .call
        if task == .call, target.method == nil, target.service == nil {
            throw CommandFailure("which method of \(target.peer)? kit call \(self.target) --list lists them")
        }
        let metadata = try CallInput.metadata(headers)
        let session = CallSession(
            target: target,
            task: task,
            documents: try task == .call ? CallInput.documents(data) : [],
            metadata: metadata,
            deadline: .now + timeout.duration,
            emitsDefaults: emitDefaults,
            tlsRemedy: address.tlsRemedy,
            output: .output
        )
        if let transport = try address.transport() {
            try await withGRPCClient(transport: transport) { try await session.run(on: $0) }
        } else if let name = target.registryName {
            try await discover(name, session)
        }
    }

    /// The configuration, with a channel that gives up before the time is over: its error names the thing it waited for.
    private func configuration() throws -> Configuration {
        let configuration = try arguments.configuration()
        let limit = timeout.duration * 9 / 10
        if try configuration.decode(ChannelOptions.self, at: "client").readyTimeout <= limit { return configuration }
        var arguments = arguments
        arguments.set.append("client.ready-timeout=\(max(1, Int(limit / .milliseconds(1))))ms")
        return try arguments.configuration()
    }

    /// Calls through the registry that the configuration names.
    private func discover(_ name: String, _ session: CallSession) async throws {
        let configuration = try configuration()
        var logger = Logger(label: "kit")
        logger.logLevel = .error
        let channel = try ServiceChannel(
            to: "discovery:///\(name)",
            configuration: configuration,
            plugins: Kit.plugins,
            logger: logger
        )
        try await withGRPCClient(transport: channel) { try await session.run(on: $0) }
    }
}
