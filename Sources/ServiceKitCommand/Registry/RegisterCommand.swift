import ArgumentParser
import Foundation
import ServiceKit
import ServiceKitConcurrency
import ServiceKitConfig

struct RegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Registers an address by hand while this command runs.",
        discussion: """
            kit registry register --name user-service --endpoint grpc://127.0.0.1:9000
            kit registry register --name db --endpoint tcp://10.0.0.5:5432 --label zone=eu

            For a server that does not register itself. The command stays in the foreground, restores the instance if \
            it is lost, and deregisters it on ctrl-C. Clients of the kit use the labels weight and offline. Clients \
            of other frameworks use the labels that they know; go-kratos knows weight.
            """
    )

    @Option(help: ArgumentHelp("The service.", valueName: "service"))
    var name: String

    @Option(help: ArgumentHelp("An address; may be given several times.", valueName: "scheme://host:port"))
    var endpoint: [String]

    @Option(help: "The instance's id. Default: a new one.")
    var id: String?

    @Option(help: ArgumentHelp("The version of the software.", valueName: "version"))
    var serviceVersion = ""

    @Option(help: ArgumentHelp("A label, such as zone=eu; may be given several times.", valueName: "name=value"))
    var label: [String] = []

    @OptionGroup var registry: RegistryArguments

    func validate() throws {
        _ = try instance()
    }

    private func instance() throws -> ServiceInstance {
        let endpoints = try endpoint.map { text in
            guard let endpoint = Endpoint(text) else { throw ValidationError(Endpoint.refusal(of: text)) }
            return endpoint
        }
        var metadata: [String: String] = [:]
        for text in label {
            guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
                throw ValidationError("\"\(URLSecrets.masked(text))\" is not a label; write name=value, as in zone=eu")
            }
            metadata[String(text[..<sign])] = String(text[text.index(after: sign)...])
        }
        if metadata["started"] == nil { metadata["started"] = Date.now.formatted(.iso8601) }
        let instance = ServiceInstance(
            id: id ?? "manual-\(String(UInt32.random(in: 0...UInt32.max), radix: 16))",
            name: name,
            version: serviceVersion,
            metadata: metadata,
            endpoints: endpoints
        )
        do throws(RegistryError) {
            try instance.validate()
        } catch {
            throw ValidationError(error.message)
        }
        return instance
    }

    func run() async throws {
        let instance = try instance()
        let interruption = await Interruption()
        try await registry.withRegistry { registry, backend in
            guard !(registry is StaticRegistry) else {
                throw CommandFailure(
                    "the static registry takes no registrations; add the address to registry.static.services.\(name)"
                )
            }
            let registration = try registry.register(instance)
            // A person who registers by hand wants to see a failure at once.
            if let cause = await registration.state.first(where: { $0 != .registering(cause: nil) })?.cause {
                await registration.release()
                throw cause
            }
            Terminal.output.post("\(InstanceName(instance)): registered in \(backend); ctrl-C deregisters it")
            // A signal ends it, and the command goes on.
            try? await interruption.limit { await Self.follow(registration) }
            let outcome = await Result { try await registration.deregister() }
            await registration.release()
            try outcome.get()
            Terminal.output.post("\(InstanceName(instance)): deregistered")
        }
    }

    /// Reports each loss of the registration and its return, until the task is cancelled.
    private static func follow(_ registration: any Registration) async {
        var wasLost = false
        for await state in registration.state.values {
            let name = InstanceName(registration.instance)
            switch state {
            case .lost(let cause):
                Terminal.error.post("\(name): lost, being put back: \(cause)")
                wasLost = true
            case .registered where wasLost:
                Terminal.error.post("\(name): registered again")
                wasLost = false
            case .registering, .registered, .deregistered:
                break
            }
        }
    }
}
