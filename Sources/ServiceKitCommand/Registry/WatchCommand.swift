import ArgumentParser
import ServiceKit

struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Shows the instances of a service, or of all services, as they come, change and go.",
        discussion: """
            kit registry watch
            kit registry watch user-service --json | jq .event

            On a terminal the command shows a table and redraws it. Elsewhere, and with --json, it prints one line for \
            each change: joined, changed, left; away and back for the registry itself. ctrl-C ends it, with exit code \
            0. The AGE >12s means that the instance has no label "started" and was first seen 12 seconds ago.

            With --json a line is {"event", "service", "instance", "before", "cause"}, with "before" for changed and \
            "cause" for away only. \(RegistryCommand.jsonHelp)
            """
    )

    @Argument(help: "The service. Default: all services.")
    var service: String?

    @Flag(help: "Print one line of JSON for each change.")
    var json = false

    @OptionGroup var registry: RegistryArguments

    func run() async throws {
        let interruption = await Interruption()
        if let service {
            do throws(RegistryError) {
                try ServiceInstance.validate(serviceName: service)
            } catch {
                throw CommandFailure(error.message)
            }
        }
        try await registry.withRegistry { [json, service] registry, backend in
            let feed = WatchFeed(registry: registry, service: service)
            do {
                try await interruption.limit {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await feed.run() }
                        group.addTask {
                            if Terminal.output.canRedraw, !json {
                                await Self.draw(feed, title: "\(service ?? "all services") in \(backend)")
                            } else {
                                try await Self.tell(feed, json: json)
                            }
                        }
                        group.addTask { await Terminal.output.waitUntilAbandoned() }
                        defer { group.cancelAll() }
                        try await group.next()
                    }
                }
            } catch is ExitCode {
                // A signal is the way to end the command.
            }
        }
    }

    private static func draw(_ feed: WatchFeed, title: String) async {
        var screen = WatchScreen(title: title, namesServices: feed.service == nil)
        // Hides the cursor.
        await Terminal.output.send("\u{1B}[?25l")
        for await state in feed.state.values {
            let lines = screen.lines(state.services, size: .current)
            await Terminal.output.send(screen.frame(lines))
        }
        Terminal.output.stopWaiting()
        await Terminal.output.send("\u{1B}[?25h")
    }

    private static func tell(_ feed: WatchFeed, json: Bool) async throws {
        var known: [String: DiscoverySnapshot] = [:]
        for await state in feed.state.values {
            for (service, snapshot) in state.services.sorted(by: { $0.key < $1.key }) {
                for event in WatchEvent.between(known[service], snapshot, of: service) {
                    await Terminal.output.send((json ? try JSONText.line(event) : event.line) + "\n")
                }
            }
            known = state.services
        }
    }
}
