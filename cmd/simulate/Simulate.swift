internal import ArgumentParser
internal import ServiceKitTesting

@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "servicekit-simulate",
        abstract: "Compares balancers and limits on simulated fleets.",
        discussion: "Each table is a scenario, and each row a policy. The same seed prints the same tables."
    )

    @Option(help: "The random numbers' seed.")
    var seed: UInt64 = 1

    @Option(help: "Only scenarios and policies whose names contain this; may be given several times.")
    var only: [String] = []

    @Flag(help: "Print the scenarios and the policies, and run nothing.")
    var list = false

    func run() throws {
        let runs = try chosen()
        if list {
            for (scenario, policies) in runs {
                print("\(scenario.name): \(scenario.summary)")
                print("    \(policies.map(\.name).joined(separator: "; "))")
            }
            return
        }
        for (scenario, policies) in runs { print("\(SimulationTable(scenario, policies: policies, seed: seed))\n") }
    }

    /// The scenarios and policies that `--only` leaves. A word that fits a scenario chooses among scenarios, another one among
    /// policies.
    private func chosen() throws -> [(SimulationScenario, [SimulationPolicy])] {
        let scenarios = SimulationScenario.all
        let words = Dictionary(grouping: only) { word in scenarios.contains { $0.name.contains(word) } }
        let runs = scenarios.filter { words[true]?.contains(where: $0.name.contains) ?? true }
            .map { scenario in
                (scenario, scenario.policies.filter { words[false]?.contains(where: $0.name.contains) ?? true })
            }
            .filter { !$1.isEmpty }
        if runs.isEmpty {
            throw ValidationError("no scenario or policy is named so; see servicekit-simulate --list")
        }
        return runs
    }
}
