import ArgumentParser
import FoundationEssentials
import GRPCCore
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC
import ServiceKitProtobuf

/// The place of services' descriptors: files, or a running server with reflection.
struct DescriptionArguments: ParsableArguments {
    /// The help about the place.
    static let discussion = """
        SOURCE is the directory of a service, a .proto file, the output of protoc --descriptor_set_out, or the name of a \
        service in the registry, one of whose instances describes its methods by server reflection. A file or directory of \
        that name comes first. Default: this directory.
        """

    @Argument(help: "A directory, a file, or a service's name.")
    var source: String?

    @OptionGroup var imports: ImportArguments
    @OptionGroup var address: CallAddress

    @Option(help: ArgumentHelp("The time limit for a running server, such as 500ms.", valueName: "duration"))
    var timeout = DurationArgument(seconds: 10)

    @OptionGroup var arguments: AppArguments

    func validate() throws {
        if address.address != nil, source != nil {
            throw ValidationError("a server at --address describes itself; leave out the source")
        }
    }

    /// The services at the place.
    func services() async throws -> DescribedServices {
        let deadline = ContinuousClock.now + timeout.value
        if let transport = try address.transport() {
            return try await withGRPCClient(transport: transport) { client in
                try await reflected(by: client, "the server", deadline)
            }
        }
        let source = source ?? "."
        let isFile = source.hasSuffix(".proto") || source.contains("/") || FileSystemTree.kind(of: source) != .none
        guard !isFile else {
            let (source, protoPaths) = (source, try imports.directories())
            return try await Interruption().limit {
                try await DescribedServices.read(source, protoPaths: protoPaths)
            }
        }
        do {
            try ServiceInstance.validate(serviceName: source)
        } catch {
            throw CommandFailure("\(source) is no file, and \(error.message)")
        }
        var logger = Logger(label: "kit")
        logger.logLevel = .error
        let channel = try ServiceChannel(
            to: "discovery:///\(source)",
            configuration: try await arguments.configuration(ofCallsTo: source, until: deadline),
            plugins: Kit.plugins,
            logger: logger
        )
        return try await withGRPCClient(transport: channel) { client in
            try await reflected(by: client, source, deadline)
        }
    }

    private func reflected<Transport>(
        by client: GRPCClient<Transport>, _ peer: String, _ deadline: ContinuousClock.Instant
    ) async throws -> DescribedServices {
        do {
            let reflection = ReflectionClient(client: client, peer: peer, deadline: deadline, metadata: [:])
            return try DescribedServices(try await reflection.pool(of: try await reflection.services()), in: peer)
        } catch let error as RPCError {
            // The transport names neither --tls nor client.tls.
            let remedy = error.message.contains("TLS") ? address.tlsRemedy.map { "; \($0)" } : nil
            throw CommandFailure(error.statusLine + (remedy ?? ""))
        }
    }
}

extension AppArguments {
    /// The configuration for calls of a service, with a channel that gives up before the time is over: its error names the
    /// thing it waited for. The service is named as in the registry, and more values are given as for `--set`.
    func configuration(
        ofCallsTo service: String, until deadline: ContinuousClock.Instant, settings: [String] = []
    ) async throws -> Configuration {
        let documents = try await sourceDocuments()
        let written = try configuration(adding: documents)
        // Of the time that is left: reading the configuration took some.
        let limit = (deadline - .now) * 3 / 4
        var settings = settings
        if try ChannelOptions(written.client(of: service)).readyTimeout > limit {
            let milliseconds = max(1, Int(limit / .milliseconds(1)))
            settings.append("clients.\"\(service)\".ready-timeout=\(milliseconds)ms")
        }
        if settings.isEmpty { return written }
        var arguments = self
        arguments.set += settings
        return try arguments.configuration(adding: documents)
    }
}
