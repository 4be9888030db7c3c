import ArgumentParser
import ServiceKitProtobuf

/// `kit routes`.
struct RoutesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes",
        abstract: "Prints the paths of services over HTTP, with the methods behind them.",
        discussion: """
            Methods have the paths of google.api.http, and other methods have those of Connect. A path of a method with a \
            stream of requests is for WebSocket. \(DescriptionArguments.discussion)

              kit routes
              kit routes user.proto -I protos
              kit routes user-service
              kit routes --address 127.0.0.1:9000
            """
    )

    @OptionGroup var description: DescriptionArguments

    func run() async throws {
        var table = TextTable(["METHOD", "PATH", "OPERATION"])
        for operation in try await description.services().operations {
            table.add([operation.rule.method, operation.template.description, operation.name])
        }
        for line in table.lines { Terminal.output.print(line) }
    }
}
