import ArgumentParser

/// `kit add`.
struct AddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Extends a service that kit new has created.",
        subcommands: [AddClientCommand.self, AddRPCCommand.self]
    )
}

/// `kit add rpc`.
struct AddRPCCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rpc",
        abstract: "Adds a call: to the .proto file, the generated code, a handler and a test.",
        discussion: """
            The new handler answers that the call is not implemented, until you write it. If the service's other calls \
            have paths over HTTP (google.api.http), the call gets one too: POST /v1/users:rename for RenameUser. Needs \
            protoc. Writes all files or none.

            Examples:
              kit add rpc UserService.RenameUser
              kit add rpc RenameUser --path ./user-service
            """
    )

    @Argument(help: "The call. If the package has several services: UserService.RenameUser.")
    var name: String

    @OptionGroup var service: ServiceArguments
    @OptionGroup var imports: ImportArguments

    func run() async throws {
        let (name, package, scratchPath) = (name, try service.package(), service.scratchPath)
        let protoPaths = try imports.directories()
        let written = try await Interruption().limit {
            let addition = try await RPCAddition(name, to: package, protoPaths: protoPaths)
            let sources = try addition.sources()
            let generator = try await ProtoGenerator.prepared(for: package, scratchPath: scratchPath)
            let code = try await package.files(of: [addition.api], by: generator) { Terminal.note($0) }
            return try await package.write(sources + code)
        }
        for path in written { Terminal.output.print(path) }
    }
}

/// `kit add client`.
struct AddClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "Adds a client of another service: its API, and the code that finds it through the registry.",
        discussion: """
            Copies the .proto file into Sources/…API, generates its code, adds the target to Package.swift, and writes \
            a client made by app.channel for each gRPC service in it. Finds imports beside the file, below \
            --proto-path and in the package, and copies them with it. kit itself contains the files of \
            google/protobuf, google/api, google/rpc and google/type that APIs mostly import, and validate, \
            buf/validate and errors. Needs protoc. Writes all files or none.

            Examples:
              kit add client ../order-service
              kit add client order.proto --name order-service
              kit add client protos/order/v1/order.proto -I protos -I third_party
            """
    )

    @Argument(help: "The directory of the other service, or its .proto file.")
    var other: String

    @Option(
        help: ArgumentHelp(
            "The other service's name in the registry. Default: the name in its configuration, else its gRPC service's.",
            valueName: "name"))
    var name: String?

    @OptionGroup var service: ServiceArguments
    @OptionGroup var imports: ImportArguments

    func run() async throws {
        let (other, name, package, scratchPath) = (other, name, try service.package(), service.scratchPath)
        let protoPaths = try imports.directories()
        let (written, addition) = try await Interruption().limit {
            let addition = try await ClientAddition(of: other, named: name, to: package, protoPaths: protoPaths)
            let sources = try addition.sources()
            let generator = try await ProtoGenerator.prepared(for: package, scratchPath: scratchPath)
            let written = try await package.write(sources + (try await generator.files(of: addition.api)))
            return (written, addition)
        }
        for path in written { Terminal.output.print(path) }
        Terminal.output.print()
        for variable in addition.variables {
            Terminal.output.print("in Main.swift: let \(SwiftWords.quoted(variable)) = try app.\(variable)Client()")
        }
        if !addition.registeredName.isKnown {
            Terminal.note(
                "the client looks for the service \"\(addition.registeredName.name)\" in the registry; set another name with "
                    + "--name")
        }
    }
}
