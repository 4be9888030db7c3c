import ArgumentParser
import Logging
import ServiceKit

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the instances of a service, or of all services.",
        discussion: """
            kit registry list
            kit registry list user-service --json

            LANE and ZONE are the labels "lane" and "zone"; a fleet without lanes has no column LANE. \
            AGE is the time since the instance's start, from its label "started". (?) marks an endpoint of another \
            framework that is not scheme://host:port; clients of the kit do not call it. Entries that are not \
            instances are left out, and named on standard error. The WEIGHT of an offline instance is the weight that \
            it gets when it is online again.

            With --json it prints an array of instances. \(RegistryCommand.jsonHelp)
            """
    )

    @Argument(help: "The service. Default: all services.")
    var service: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var registry: RegistryArguments

    func run() async throws {
        let instances = try await registry.withRegistry(logging: .warning) { registry, _ in
            try await registry.listed(service)
        }
        if json {
            Terminal.output.print(try JSONText.document(instances.map(InstanceReport.init)))
        } else if instances.isEmpty {
            Terminal.error.print(service.map { "no instance of \($0)" } ?? "no instances")
        } else {
            let lines = InstanceTable(namesServices: service == nil).lines(instances)
            Terminal.output.print(Terminal.output.styled(lines[0], .bold))
            for line in lines.dropFirst() { Terminal.output.print(line) }
        }
    }
}
