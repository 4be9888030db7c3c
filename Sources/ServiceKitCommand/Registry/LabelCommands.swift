import ArgumentParser
import ServiceKit

struct WeightCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "weight",
            abstract: "Gives an instance another share of the traffic.",
            discussion: """
                kit registry weight user-1 50

                Shares are relative to those of the other instances. An instance without a weight has 100; one with 0 gets no \
                traffic while others have more. The owner of the instance adopts the weight, and keeps it until it ends. \
                An offline instance gets the weight when it is online again.

                Clients of the kit go by the weight with the balancer p2c; with round_robin they only leave out weight 0. \
                Clients of go-kratos go by the weight with wrr, their default, and ignore it with p2c and random. Clients \
                of grpc-go ignore it.

                With --json it prints the instance. \(RegistryCommand.jsonHelp)
                """
        )
    }

    @OptionGroup var choice: InstanceChoice

    @Argument(help: "The weight, from 0 to 1000000.")
    var weight: Int

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var registry: RegistryArguments

    func validate() throws {
        if !(0...1_000_000).contains(weight) { throw ValidationError("the weight is from 0 to 1000000") }
    }

    func run() async throws {
        let change = LabelChange { [weight] registry, instance in
            try await registry.setWeight(weight, ofInstance: instance.id, of: instance.name)
        } text: { before, after in
            "weight \(before.whenOnline.weight) -> \(after.whenOnline.weight)"
                + (after.isOffline ? " when it is online again" : "")
        }
        _ = try await change.run(on: choice, in: registry, json: json)
    }
}

struct OfflineCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "offline",
            abstract: "Takes an instance out of traffic; it goes on running.",
            discussion: """
                kit registry offline user-1

                The instance stays registered, with the labels offline=true and weight=0, and serves the calls that it \
                gets. Its owner adopts the labels, and keeps them until "kit registry online", or until the owner ends. \
                The weight that it had is remembered in the label offline-weight.

                Clients of the kit no longer choose it. Clients of other frameworks do not know the label offline. Clients \
                that go by the weight, such as go-kratos with wrr, its default, leave the instance out while others weigh \
                more. With another balancer, go-kratos clients need a node filter that leaves out offline=true. A \
                go-kratos service writes its own labels when it registers again after an outage.

                With --json it prints the instance. \(RegistryCommand.jsonHelp)
                """
        )
    }

    @OptionGroup var choice: InstanceChoice

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var registry: RegistryArguments

    /// The hint for registries where others than clients of the kit may call.
    static let limits = """
        kit: clients of other frameworks do not know that it is offline: those that go by the weight, which is 0 now \
        (go-kratos's wrr), keep away from it; for others see kit help registry offline
        """

    func run() async throws {
        let change = LabelChange { registry, instance in
            try await registry.takeOffline(instance.id, of: instance.name)
        } text: { before, _ in
            before.isOffline ? "offline already" : "offline"
        }
        // Where others can look, others may call.
        if try await change.run(on: choice, in: registry, json: json) == .network { Terminal.error.print(Self.limits) }
    }
}

struct OnlineCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "online",
            abstract: "Puts an instance back into traffic that was taken offline.",
            discussion: """
                kit registry online user-1

                It gets back the weight that it had before.

                With --json it prints the instance. \(RegistryCommand.jsonHelp)
                """
        )
    }

    @OptionGroup var choice: InstanceChoice

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var registry: RegistryArguments

    func run() async throws {
        let change = LabelChange { registry, instance in
            try await registry.putOnline(instance.id, of: instance.name)
        } text: { before, _ in
            before.isOffline ? "online" : "online already"
        }
        _ = try await change.run(on: choice, in: registry, json: json)
    }
}

/// A change of labels, and how it is told.
private struct LabelChange {
    let change: @Sendable (any RegistryOperator, ServiceInstance) async throws -> ServiceInstance
    let text: (_ before: ServiceInstance, _ after: ServiceInstance) -> String

    init(
        _ change: @escaping @Sendable (any RegistryOperator, ServiceInstance) async throws -> ServiceInstance,
        text: @escaping (ServiceInstance, ServiceInstance) -> String
    ) {
        self.change = change
        self.text = text
    }

    /// Makes the change and tells it.
    ///
    /// - Returns: The reach of the address.
    func run(on choice: InstanceChoice, in arguments: RegistryArguments, json: Bool) async throws -> RegistryReach {
        let (before, after, reach) = try await arguments.withOperator { registry, operating in
            let before = try await choice.find(in: registry)
            return (before, try await change(operating, before), registry.reach)
        }
        if json {
            Terminal.output.print(try JSONText.document(InstanceReport(instance: after)))
        } else {
            Terminal.output.print("\(InstanceName(after)): \(text(before, after))")
        }
        return reach
    }
}
