import ArgumentParser

/// `kit add`.
struct AddCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "add",
            abstract: "Adds to a service that kit new has written.",
            subcommands: [AddClientCommand.self, AddRPCCommand.self]
        )
    }
}

/// `kit add rpc`.
struct AddRPCCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "rpc",
            abstract: "Adds a call: to the .proto file, the generated code, a handler and a test.",
            discussion: """
                The handler says that the call is not implemented, until you write it. Needs protoc. All files are written, \
                or none.

                Examples:
                  kit add rpc UserService.RenameUser
                  kit add rpc RenameUser --path ./user-service
                """
        )
    }

    @Argument(help: "The call, with its service where the package has several: UserService.RenameUser.")
    var name: String

    @OptionGroup var service: ServiceArguments

    func run() async throws {
        let addition = try RPCAddition(name, to: service.package())
        let scratchPath = service.scratchPath
        let written = try await withInterruption {
            let generator = try await ProtoGenerator.prepared(for: addition.package, scratchPath: scratchPath)
            let files = try addition.sources() + (try await generator.code(of: addition.api))
            return try await addition.package.write(files)
        }
        for path in written { Terminal.output.print(path) }
    }
}

/// `kit add client`.
struct AddClientCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "client",
            abstract: "Adds a client of another service: its API, and what finds it through the registry.",
            discussion: """
                Copies the .proto file into Sources/…API, generates its code, adds the target to Package.swift, and writes \
                a client made by app.channel. Needs protoc. All files are written, or none.

                Examples:
                  kit add client ../order-service
                  kit add client order.proto --name order-service
                """
        )
    }

    @Argument(help: "The directory of the other service, or its .proto file.")
    var other: String

    @Option(
        help: ArgumentHelp("By what name the other one registers; by default as it says itself.", valueName: "name"))
    var name: String?

    @OptionGroup var service: ServiceArguments

    func run() async throws {
        let addition = try ClientAddition(of: other, named: name, to: service.package())
        let scratchPath = service.scratchPath
        let written = try await withInterruption {
            let generator = try await ProtoGenerator.prepared(for: addition.package, scratchPath: scratchPath)
            let files = try addition.sources() + (try await generator.code(of: addition.api))
            return try await addition.package.write(files)
        }
        for path in written { Terminal.output.print(path) }
        Terminal.output.print()
        Terminal.output.print("in Main.swift: let \(addition.variable) = try app.\(addition.variable)Client()")
    }
}
