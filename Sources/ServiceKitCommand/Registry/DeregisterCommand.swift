import ArgumentParser
import ServiceKit

struct DeregisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deregister",
        abstract: "Removes an entry that no process keeps registered.",
        discussion: """
            kit registry deregister user-1 --backend etcd

            An entry with an owner is refused: its owner would put it back. Stop the owner, or take the instance out \
            of traffic with "kit registry offline". Entries of dead owners go by themselves: from files at once, from \
            etcd after their time to live. Only entries without a lease in etcd stay.
            """
    )

    @OptionGroup var choice: InstanceChoice

    @OptionGroup var registry: RegistryArguments

    func run() async throws {
        let instance = try await registry.withOperator { registry, operating in
            let instance = try await choice.find(in: registry)
            try await operating.removeInstance(instance.id, of: instance.name)
            return instance
        }
        Terminal.output.print("\(InstanceName(instance)): removed")
    }
}
