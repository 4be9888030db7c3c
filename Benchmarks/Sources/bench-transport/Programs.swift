import BenchmarkHarness
import BenchmarkSupport
import SystemPackage

/// The two ends of a call, `bench-server` and `bench-client`, as one release build made them.
struct Programs: Sendable {
    private let directory: FilePath

    /// - Parameter directory: The directory of the programs.
    init(in directory: FilePath) {
        self.directory = directory
    }

    func server(_ transport: TransportKind, _ options: String...) -> ServerCommand {
        ServerCommand(
            program: self.directory.appending("bench-server"),
            arguments: ["--transport", transport.rawValue] + options
        )
    }

    func client(_ transport: TransportKind, _ options: String...) -> ClientCommand {
        ClientCommand(
            program: self.directory.appending("bench-client"),
            arguments: ["--transport", transport.rawValue] + options
        )
    }

    /// The server in an App, by a direct handler.
    var app: ServerCommand { self.server(.nghttp2, "--in-app", "--direct") }

    /// The client through a channel, by a direct stub.
    var channel: ClientCommand { self.client(.nghttp2, "--through-channel", "--direct") }
}

/// The two ends of a call on grpc-go, in one program.
struct GoProgram: Sendable {
    private let program: FilePath

    init(_ program: FilePath) {
        self.program = program
    }

    func server(_ environment: [String: String] = [:]) -> ServerCommand {
        ServerCommand(program: self.program, arguments: ["server"], environment: environment)
    }

    var client: ClientCommand { ClientCommand(program: self.program, arguments: ["client"]) }
}
