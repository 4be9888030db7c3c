import ArgumentParser
import ServiceKit

struct WeightCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "weight",
            abstract: "Gives an instance another share of the traffic.",
            discussion: """
                kit registry weight user-1 50

                Shares are relative to those of the other instances; who says nothing has 100, and 0 is none as long as \
                others have more. The owner of the instance adopts the weight, and keeps it until it ends.

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
        try await LabelChange(["weight": "\(weight)"]) { before, after in
            "weight \(before.weight) -> \(after.weight)"
        }.run(on: choice, in: registry, json: json)
    }
}

struct OfflineCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "offline",
            abstract: "Takes an instance out of traffic; it goes on running.",
            discussion: """
                kit registry offline user-1

                The instance stays registered, with the label offline=true, and serves the calls that it has. Clients of \
                the kit no longer choose it. Its owner adopts the label, and keeps it until "kit registry online", or \
                until the owner ends.

                With --json it prints the instance. \(RegistryCommand.jsonHelp)
                """
        )
    }

    @OptionGroup var choice: InstanceChoice

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var registry: RegistryArguments

    func run() async throws {
        try await LabelChange(["offline": "true"]) { before, _ in
            before.isOffline ? "offline already" : "offline"
        }.run(on: choice, in: registry, json: json)
    }
}

struct OnlineCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "online",
            abstract: "Puts an instance back into traffic that was taken offline.",
            discussion: """
                kit registry online user-1

                With --json it prints the instance. \(RegistryCommand.jsonHelp)
                """
        )
    }

    @OptionGroup var choice: InstanceChoice

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var registry: RegistryArguments

    func run() async throws {
        try await LabelChange(["offline": nil]) { before, _ in
            before.isOffline ? "online" : "online already"
        }.run(on: choice, in: registry, json: json)
    }
}

/// A change of labels, and how it is told.
private struct LabelChange {
    let labels: [String: String?]
    let text: (_ before: ServiceInstance, _ after: ServiceInstance) -> String

    init(_ labels: [String: String?], text: @escaping (ServiceInstance, ServiceInstance) -> String) {
        self.labels = labels
        self.text = text
    }

    func run(on choice: InstanceChoice, in arguments: RegistryArguments, json: Bool) async throws {
        let (before, after) = try await arguments.withRegistry { registry, _ in
            let before = try await choice.find(in: registry)
            return (before, try await registry.setMetadata(labels, ofInstance: before.id, of: before.name))
        }
        if json {
            Terminal.output.print(try JSONText.document(InstanceReport(instance: after)))
        } else {
            Terminal.output.print("\(InstanceName(after)): \(text(before, after))")
        }
    }
}
