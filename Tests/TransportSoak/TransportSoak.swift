#if DEBUG
import ArgumentParser
import Foundation

/// Runs the transport under random load, or feeds random bytes to its sessions, for a given time. Build it with a
/// sanitizer; see `scripts/soak-transport`.
@main
struct TransportSoak: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "servicekit-transport-soak", subcommands: [Load.self, Feed.self]
    )

    struct Load: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Random calls, cancellations, deadlines and kills.")

        @Option(help: "For how long.")
        var minutes = 20.0

        @Option(help: "The seed of the randomness; by default another each time.")
        var seed: UInt64 = .random(in: 1 ... .max)

        @Option(help: "A directory with cert.pem and key.pem for localhost; without it there is no TLS.")
        var certificates: String?

        @Option(help: "How many calls are made at a time.")
        var callers = 48

        func run() async throws {
            print("seed \(self.seed)")
            let load = SoakLoad(
                duration: .seconds(minutes * 60), callers: self.callers, seed: self.seed,
                certificates: self.certificates
            )
            try await load.run()
        }
    }

    struct Feed: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Random bytes and frames into a session.")

        @Option(help: "For how long.")
        var minutes = 10.0

        @Option(help: "The seed of the randomness; by default another each time.")
        var seed: UInt64 = .random(in: 1 ... .max)

        func run() throws {
            print("seed \(self.seed)")
            var feeder = ByteFeeder(seed: self.seed)
            feeder.run(for: .seconds(minutes * 60))
        }
    }
}
#else
@main
struct TransportSoak {
    static func main() {
        print("servicekit-transport-soak looks inside of the transport: build it without -c release")
    }
}
#endif
