import ArgumentParser
import ServiceKit

struct WeightCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weight",
        abstract: "Sets an instance's share of the traffic.",
        discussion: """
            kit registry weight user-1 50

            A weight is relative to the weights of the other instances. The default weight is 100. An instance of \
            weight 0 gets no traffic while others weigh more. The owner of the instance adopts the weight, and keeps \
            it until the owner ends. An offline instance gets the weight when it is online again.

            Clients of the kit use the weight with every balancer but round_robin, which only leaves out weight 0. \
            Clients of go-kratos use the weight with wrr, their default, and ignore it with p2c and random. Clients \
            of grpc-go ignore it.

            With --json it prints the instance. \(RegistryCommand.jsonHelp)
            """
    )

    @OptionGroup var choice: InstanceChoice

    @Argument(help: "The weight, from 0 to 1000000.")
    var weight: Int

    @OptionGroup var change: LabelChange

    private static let outOfRange = ValidationError("the weight must be from 0 to 1000000")

    func validate() throws {
        if !(0...1_000_000).contains(weight) { throw Self.outOfRange }
    }

    /// Refuses a negative weight, which the parser would take for an option.
    static func refuseNegative(_ arguments: [String]) throws {
        guard arguments.starts(with: ["registry", "weight"]) else { return }
        if arguments.contains(where: { Int($0).map { $0 < 0 } == true }) { throw outOfRange }
    }

    func run() async throws {
        _ = try await change.run(on: choice) { [weight] registry, instance in
            try await registry.setWeight(weight, ofInstance: instance.id, of: instance.name)
        } text: { before, after in
            "weight \(before.whenOnline.weight) -> \(after.whenOnline.weight)"
                + (after.isOffline ? " when it is online again" : "")
        }
    }
}

struct OfflineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "offline",
        abstract: "Takes an instance out of traffic; the instance keeps running.",
        discussion: """
            kit registry offline user-1

            The instance stays registered, with the labels offline=true and weight=0, and serves the calls that still \
            reach it. Its owner adopts the labels, and keeps them until "kit registry online", or until the owner \
            ends. The label offline-weight keeps the former weight.

            Clients of the kit no longer choose the instance. Clients of other frameworks do not know the label \
            offline. Clients that use the weight, such as go-kratos with wrr, its default, avoid the instance while \
            others weigh more. With another balancer, go-kratos clients need a node filter that leaves out \
            offline=true. A go-kratos service that registers again after an outage writes its own labels.

            With --json it prints the instance. \(RegistryCommand.jsonHelp)
            """
    )

    @OptionGroup var choice: InstanceChoice

    @OptionGroup var change: LabelChange

    /// The hint for registries in which clients of other frameworks may look.
    static let limits = """
        kit: clients of other frameworks do not know that the instance is offline: those that use its weight, which is \
        0 now (go-kratos's wrr), avoid it; for others see kit help registry offline
        """

    func run() async throws {
        let reach = try await change.run(on: choice) { registry, instance in
            try await registry.takeOffline(instance.id, of: instance.name)
        } text: { before, _ in
            before.isOffline ? "offline already" : "offline"
        }
        // Clients of other frameworks may look into a registry on the network.
        if reach == .network { Terminal.error.print(Self.limits) }
    }
}

struct OnlineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "online",
        abstract: "Puts an offline instance back into traffic.",
        discussion: """
            kit registry online user-1

            The instance gets its former weight back.

            With --json it prints the instance. \(RegistryCommand.jsonHelp)
            """
    )

    @OptionGroup var choice: InstanceChoice

    @OptionGroup var change: LabelChange

    func run() async throws {
        _ = try await change.run(on: choice) { registry, instance in
            try await registry.putOnline(instance.id, of: instance.name)
        } text: { before, _ in
            before.isOffline ? "online" : "online already"
        }
    }
}

/// The options of a change of labels.
struct LabelChange: ParsableArguments {
    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var registry: RegistryArguments

    /// Makes the change, and prints the report from the instance before and after it. Returns the reach of the
    /// registry's address.
    func run(
        on choice: InstanceChoice,
        _ change: (any RegistryOperator, ServiceInstance) async throws -> ServiceInstance,
        text: (_ before: ServiceInstance, _ after: ServiceInstance) -> String
    ) async throws -> RegistryReach {
        let (before, after, reach) = try await registry.withOperator { registry, operating in
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
