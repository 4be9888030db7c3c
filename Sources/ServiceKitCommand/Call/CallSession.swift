import GRPCCore
import ServiceKit
import ServiceKitGRPC
import ServiceKitHTTPClient
import ServiceKitProtobuf

/// One run of `kit call` on a client of any transport.
struct CallSession: Sendable {
    enum Task { case call, list, describe }

    let target: CallTarget
    let task: Task
    let documents: [[UInt8]]
    var metadata: Metadata
    let deadline: ContinuousClock.Instant
    let emitsDefaults: Bool
    /// The advice where the server may expect TLS and this client does not use it.
    let tlsRemedy: String?
    let output: Terminal
    /// Makes the call, if it is made over HTTP.
    var http: ServiceHTTPClient?

    func run<Transport>(on client: GRPCClient<Transport>) async throws {
        do {
            let (names, pool) = try await descriptors(from: client)
            let services = names.compactMap { pool.service($0) }
            if task != .list, services.isEmpty {
                throw CommandFailure(
                    "\(target.peer) has no descriptors of \(names.joined(separator: ", ")); it gets them by "
                        + "app.serve(…, descriptors: …)"
                )
            }
            switch task {
            case .list: list(names, pool)
            case .describe: try describe(services, pool)
            case .call:
                let chosen = try target.method(among: services)
                try await waiting(for: "\(target.peer) to answer \(chosen.method.name)") {
                    if let http {
                        _ = try CallInput.messages(documents, for: chosen.method, in: pool)
                        try await call(chosen, over: http)
                    } else {
                        try await call(chosen, pool, client)
                    }
                }
            }
        } catch let error as RPCError {
            // The transport names neither --tls nor client.tls: it does not know where its settings come from.
            let remedy = error.message.contains("TLS") ? tlsRemedy.map { "; \($0)" } : nil
            throw CommandFailure(error.statusLine + (remedy ?? ""))
        }
    }

    /// The names of the services that the target may name, with their descriptors.
    private func descriptors<Transport>(
        from client: GRPCClient<Transport>
    ) async throws -> (names: [String], pool: DescriptorPool) {
        // gRPC's own services are the same on every server, even without reflection.
        if task != .list, let service = target.service,
            let pool = try? DescriptorPool(base64: [protocolDescriptors]),
            pool.service(service) != nil
        {
            return ([service], pool)
        }
        let reflection = ReflectionClient(client: client, peer: target.peer, deadline: deadline, metadata: metadata)
        return try await waiting(for: "\(target.peer) to describe its services, by server reflection") {
            let names = try target.services(among: try await reflection.services())
            return (names, try await reflection.pool(of: names))
        }
    }

    /// Runs a body. If the time is over then, its error names the thing that was waited for.
    private func waiting<Result>(for event: String, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as RPCError where error.code == .deadlineExceeded && deadline <= .now {
            throw CommandFailure("\(error.statusLine); waited for \(event); --timeout sets a longer time")
        }
    }

    /// Prints each method on a line, in the form for a call.
    private func list(_ names: [String], _ pool: DescriptorPool) {
        for name in names {
            guard let service = pool.service(name) else {
                output.print(name)
                continue
            }
            for method in service.methods where target.method == nil || target.method == method.name {
                output.print("\(name)/\(method.name)")
            }
        }
    }

    /// Prints services and types in the syntax of a `.proto` file.
    private func describe(_ services: [ServiceType], _ pool: DescriptorPool) throws {
        let text = ProtoText(pool)
        var described = services
        if target.method != nil {
            let chosen = try target.method(among: services)
            described = [ServiceType(name: chosen.service, methods: [chosen.method])]
        }
        for service in described { output.print(text.service(service) + "\n") }
        do {
            output.print(try text.types(described.flatMap(\.methods).flatMap { [$0.input, $0.output] }))
        } catch {
            throw CommandFailure("\(target.peer) does not describe everything: \(error)")
        }
    }

    /// Makes the call, and prints each message of the response at once.
    private func call<Transport>(
        _ chosen: (service: String, method: MethodType),
        _ pool: DescriptorPool,
        _ client: GRPCClient<Transport>
    ) async throws {
        let method = chosen.method
        let messages = try CallInput.messages(documents, for: method, in: pool)
        let transcoder: JSONTranscoder
        do {
            var json = JSONOptions()
            json.printsDefaults = emitsDefaults
            transcoder = try JSONTranscoder(method.output, in: MessageTables(pool), options: json)
        } catch {
            throw CommandFailure("the response is not a \(method.output): \(error)")
        }
        var options = CallOptions.defaults
        options.timeout = deadline - .now
        let request = StreamingClientRequest<[UInt8]>(metadata: metadata) { writer in
            for message in messages { try await writer.write(message) }
        }
        try await client.bidirectionalStreaming(
            request: request,
            descriptor: MethodDescriptor(fullyQualifiedService: chosen.service, method: method.name),
            serializer: MessageBytes(),
            deserializer: MessageBytes(),
            options: options
        ) { response in
            for try await message in response.messages {
                let json: JSONValue
                do {
                    json = try JSONParser.parse(String(decoding: try transcoder.encode(message), as: UTF8.self))
                } catch {
                    throw CommandFailure("the response is not a \(method.output): \(error)")
                }
                output.print(json.prettyText)
            }
        }
    }
}

/// Messages in the wire format.
private struct MessageBytes: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes {
        Bytes(message)
    }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] {
        bytes.withUnsafeBytes { Array($0) }
    }
}

extension RPCError {
    /// `NOT_FOUND: there is no user 9 (USER_NOT_FOUND, id: 9)`.
    var statusLine: String {
        let error = serviceError
        var details = error.metadata.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        if error.reason != code.name { details.insert(error.reason, at: 0) }
        return ("\(code.name): \(message)" + (details.isEmpty ? "" : " (\(details.joined(separator: ", ")))")).onOneLine
    }
}

extension String {
    /// The text of a server, which must not move the cursor, nor take several lines.
    var onOneLine: String {
        let unprintable: [Unicode.GeneralCategory] = [.control, .lineSeparator, .paragraphSeparator]
        return unicodeScalars.map { unprintable.contains($0.properties.generalCategory) ? " " : "\($0)" }.joined()
    }
}
