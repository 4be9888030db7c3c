import ArgumentParser
import Foundation
import ServiceKit

/// `kit run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Builds and runs services, and restarts them when their sources change.",
        usage: "kit run [<options>] [<dir> ...] [-- <service's arguments>]",
        discussion: """
            Each service runs in its own directory, with its own config/config.yaml. Services with the default \
            registry find each other. The lines of several services begin with the services' names. ctrl-C stops all \
            services in order; a second ctrl-C kills them.

              kit run                                   runs the service of this directory
              kit run --watch                           restarts it when its sources change
              kit run ./user-service ./order-service    runs several at once
              kit run -- --set log.level=debug          passes the arguments after -- to the service
              kit run -c release --no-build             runs the last build

            Exit code: 0 if all services stopped in order, else the code of the service that ended first.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "The services' packages. Default: this directory. After --: arguments for the services.",
            valueName: "dir"
        )
    )
    var operands: [String] = []

    @Flag(name: .long, help: "Rebuild and restart a service when its sources or its configuration change.")
    var watch = false

    @Option(name: .long, help: "The executable product, for a package that has several.")
    var product: String?

    @Option(name: [.customShort("c"), .long], help: "The build configuration: debug or release.")
    var configuration = BuildConfiguration.debug

    @Flag(name: .customLong("no-build"), help: "Run the last build.")
    var skipsBuild = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The time limit for a service to stop; after it the service is killed.", valueName: "duration")
    )
    var stopTimeout = DurationArgument(seconds: 10)

    enum BuildConfiguration: String, ExpressibleByArgument, CaseIterable { case debug, release }

    func validate() throws {
        if watch && skipsBuild { throw ValidationError("--watch builds; leave out --no-build") }
    }

    func run() async throws {
        let (directories, arguments) = Self.split(operands, of: CommandLine.arguments)
        let services = try await services(in: directories.isEmpty ? ["."] : directories)
        let session = RunSession(
            services: services,
            configuration: configuration.rawValue,
            builds: !skipsBuild,
            watches: watch,
            arguments: arguments,
            stopLimit: stopTimeout.value,
            output: RunOutput(names: services.map(\.name))
        )
        let code = await session.run()
        if code != 0 { throw ExitCode(code) }
    }

    /// Separates the directories from the arguments after `--`. ArgumentParser gives both in one list.
    static func split(_ operands: [String], of commandLine: [String]) -> (directories: [String], arguments: [String]) {
        let count = commandLine.drop { $0 != "--" }.dropFirst().count
        return (operands.dropLast(count), operands.suffix(count))
    }

    private func services(in directories: [String]) async throws -> [RunSession.Service] {
        var services: [RunSession.Service] = []
        let names = Self.names(of: directories.map(Self.absolute))
        for (directory, name) in zip(directories, names) {
            let path = Self.absolute(directory)
            guard FileManager.default.fileExists(atPath: "\(path)/Package.swift") else {
                throw CommandFailure("\(directory) has no Package.swift; name the directory of a service's package")
            }
            let tool = SwiftTool(directory: path)
            let package = try await tool.describe()
            let product = try package.executable(named: product, in: directory)
            let executable = "\(try await tool.productsDirectory(configuration.rawValue))/\(product)"
            if skipsBuild, !FileManager.default.isExecutableFile(atPath: executable) {
                throw CommandFailure("\(executable) does not exist; leave out --no-build")
            }
            services.append(
                RunSession.Service(
                    name: name,
                    tool: tool,
                    product: product,
                    executable: executable,
                    sources: package.sources(in: path)
                )
            )
        }
        return services
    }

    private static func absolute(_ directory: String) -> String {
        URL(filePath: directory).standardizedFileURL.path
    }

    /// The directories' names. Equal names get a number.
    static func names(of paths: [String]) -> [String] {
        var counts: [String: Int] = [:]
        return paths.map { path in
            let name = path.split(separator: "/").last.map(String.init) ?? "/"
            let count = counts[name, default: 0] + 1
            counts[name] = count
            return count == 1 ? name : "\(name)-\(count)"
        }
    }
}
