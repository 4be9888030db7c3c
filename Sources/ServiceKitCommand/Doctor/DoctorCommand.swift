import ArgumentParser
import ServiceKit
import ServiceKitConcurrency
import ServiceKitConfig

/// `kit doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Finds faults that keep services from building or running here, with their remedies.",
        discussion: """
            Checks the Swift toolchain, system libraries, protoc and the files that APIs import, the clock, limits of \
            the system, and the configuration's registry, its directory and ports. It tests the rights that the \
            service needs in the registry: to look up and to register instances of app.name. It writes nothing.

              kit doctor
              kit doctor --config config/config.yaml --set registry.backend=etcd
              kit doctor --json

            Exit code: 0, or 1 when something does not work (✗). Warnings (!) do not count.
            """
    )

    static let limit = Duration.seconds(20)

    @OptionGroup var arguments: AppArguments

    @Flag(help: "Print the findings as JSON.")
    var json = false

    func run() async throws {
        var checks = Check.toolchain + Check.system
        do {
            var away: [Check] = []
            let documents = try await arguments.sourceDocuments { source, cause in
                let remedy = "start it, or correct the section config; services keep their last values"
                let finding = source.isRequired ? Finding.bad(cause, remedy: remedy) : .warning(cause, remedy: remedy)
                away.append(Check("configuration source") { finding })
            }
            let configuration = try arguments.configuration(adding: documents)
            checks += away + Check.service(configuration, plugins: Kit.plugins)
        } catch {
            checks.append(Check("configuration") { .bad("\(error)") })
        }
        let findings = await Self.findings(of: checks)
        if json {
            Terminal.output.print(try JSONText.document(findings))
        } else {
            let width = findings.map(\.name.count).max() ?? 0
            for finding in findings {
                for line in finding.lines(width: width, on: .output) { Terminal.output.print(line) }
            }
        }
        if findings.contains(where: { $0.finding.verdict == .bad }) { throw ExitCode.failure }
    }

    /// Runs all checks at once, and returns the findings in their order.
    static func findings(of checks: [Check], limit: Duration = limit) async -> [NamedFinding] {
        await withTaskGroup(of: (Int, NamedFinding).self) { group in
            for (index, check) in checks.enumerated() {
                group.addTask {
                    let finding =
                        (try? await withTimeLimit(limit) { await check.find() })
                        ?? .bad("no answer within \(limit)", remedy: "find the load on this machine, and try again")
                    return (index, NamedFinding(name: check.name, finding: finding))
                }
            }
            var findings: [(Int, NamedFinding)] = []
            for await finding in group { findings.append(finding) }
            return findings.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}

extension NamedFinding: Encodable {
    private enum Key: String, CodingKey { case name, verdict, finding, remedy }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .name)
        try container.encode(finding.verdict.rawValue, forKey: .verdict)
        try container.encode(finding.text, forKey: .finding)
        try container.encodeIfPresent(finding.remedy, forKey: .remedy)
    }
}
