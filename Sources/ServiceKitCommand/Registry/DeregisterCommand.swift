import ArgumentParser
import ServiceKit

struct DeregisterCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "deregister",
            abstract: "Removes an entry that nobody keeps any more.",
            discussion: """
                kit registry deregister user-1 --backend etcd

                What has an owner is kept by it and would come back: that is refused. Stop the owner, or take the \
                instance out of traffic by "kit registry offline". Entries of owners that died go by themselves: at once \
                from files, after their time to live from etcd. What is left are entries without a lease in etcd.
                """
        )
    }

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
