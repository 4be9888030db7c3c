import ArgumentParser
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC

/// `kit config schema`.
struct ConfigSchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Prints the JSON Schema of the configuration, for editors.",
        discussion: """
            The schema has each option with its meaning, type, default and range. Editors that know JSON Schema complete \
            keys and mark mistakes, with this line at the top of a YAML file:

              # yaml-language-server: $schema=config.schema.json

            kit knows the kit's sections and those of its plugins. A service also knows its own sections:

              kit config schema > config/config.schema.json
              swift run user-service --print-config schema > config/config.schema.json
            """
    )

    func run() throws {
        Terminal.output.write(try Kit.sections.description(as: .schema))
    }
}

extension Kit {
    /// All that a service with the plugins of this program may read, without its own sections.
    static var sections: ConfigurationSections { ConfigurationSections(plugins: plugins + [.grpc]) }
}
