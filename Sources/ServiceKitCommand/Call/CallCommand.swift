import ArgumentParser
import GRPCCore
import GRPCNghttp2Transport
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitHTTPClient

/// `kit call`: one call, described by the server itself.
struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Calls a method of a service, with JSON for messages.",
        discussion: """
            NAME is the service's name in the registry. The registry has its instances, and
            the call goes to one of them. The instance describes its methods by gRPC server
            reflection (server.grpc.reflection).

              kit call user-service/GetUser -d '{"id": 1}'
              kit call user-service/user.v1.UserService/GetUser -d @request.json
              kit call user-service --list
              kit call user-service/GetUser --describe
              kit call user.v1.UserService/GetUser --address 127.0.0.1:9000

            With --http the call is made over HTTP, by the protocol of Connect with JSON; the
            method's description still comes by gRPC.

            The command prints each message of the response as JSON when it comes. Exit code:
            0, or 1 when the call failed, with the gRPC status on standard error.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "The service or method to call; with --address SERVICE/METHOD.", valueName: "name/[service/]method"))
    var target: String

    @Option(
        name: [.customShort("d"), .customLong("data")],
        help: ArgumentHelp(
            "The message, or several messages for a stream. @FILE reads a file, @- standard input. Default: {}.",
            valueName: "json"
        )
    )
    var data: String?

    @Option(
        name: [.customShort("H"), .customLong("header")],
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A header of the call. If its name ends in -bin, the value is base64.", valueName: "name: value")
    )
    var headers: [String] = []

    @Option(
        help: ArgumentHelp(
            "The lane of the call: the instances of that lane serve it, if there are any.", valueName: "name"))
    var lane: String?

    @Option(help: ArgumentHelp("The zone whose instances are preferred.", valueName: "name"))
    var zone: String?

    @Option(help: ArgumentHelp("The time limit for the whole command, such as 500ms.", valueName: "duration"))
    var timeout = DurationArgument(seconds: 10)

    @Flag(help: "Print fields with default values too.")
    var emitDefaults = false

    @Flag(help: "Make the call over HTTP, with JSON.")
    var http = false

    @Flag(help: "List the methods instead of calling one.")
    var list = false

    @Flag(help: "Print the methods and their messages, as in a .proto file, instead of calling one.")
    var describe = false

    @OptionGroup var address: CallAddress
    @OptionGroup var arguments: AppArguments

    func validate() throws {
        if list, describe { throw ValidationError("--list and --describe do not go together") }
        if address.address != nil, lane ?? zone != nil {
            throw ValidationError("--lane and --zone choose among the instances of a name; leave out --address")
        }
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
            deadline: .now + timeout.value,
            emitsDefaults: emitDefaults,
            tlsRemedy: address.tlsRemedy,
            output: .output
        )
        if let transport = try address.transport() {
            try await withGRPCClient(transport: transport) { client in
                guard http, let overHTTP = try address.httpClient() else { return try await session.run(on: client) }
                try await overHTTP.withConnections {
                    var session = session
                    session.http = overHTTP
                    try await session.run(on: client)
                }
            }
        } else if let name = target.registryName {
            try await discover(name, session)
        }
    }

    /// Calls through the registry that the configuration names.
    private func discover(_ name: String, _ session: CallSession) async throws {
        try ServiceInstance.validate(serviceName: name)
        let client = "clients.\"\(name)\""
        var settings: [String] = []
        if lane != nil { settings.append("\(client).lanes.enabled=true") }
        if let zone { settings += ["\(client).zones.enabled=true", "\(client).zones.own=\(zone)"] }
        let configuration = try await arguments.configuration(
            ofCallsTo: name, until: session.deadline, settings: settings)
        var session = session
        if let lane {
            let header = try ChannelOptions(configuration.client(of: name)).lanes.header
            session.metadata.replaceOrAddString(lane, forKey: header.lowercased())
        }
        var logger = Logger(label: "kit")
        logger.logLevel = .error
        let channel = try ServiceChannel(
            to: "discovery:///\(name)",
            configuration: configuration,
            plugins: Kit.plugins,
            logger: logger
        )
        let isChosen = lane ?? zone != nil
        try await withGRPCClient(transport: channel) { [session] client in
            // The first connection may be to another lane or zone.
            if isChosen { await channel.settle() }
            guard http else { return try await session.run(on: client) }
            let overHTTP = try ServiceHTTPClient(
                to: "discovery:///\(name)", configuration: configuration, plugins: Kit.plugins, logger: logger)
            try await overHTTP.withConnections {
                var session = session
                session.http = overHTTP
                try await session.run(on: client)
            }
        }
    }
}
