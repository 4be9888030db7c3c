import Foundation

/// The result of a check.
struct Finding: Hashable, Sendable {
    enum Verdict: String, Sendable {
        case good
        /// A part may not work.
        case warning
        /// A part does not work.
        case bad

        var mark: String {
            switch self {
            case .good: "✓"
            case .warning: "!"
            case .bad: "✗"
            }
        }

        var style: Terminal.Style {
            switch self {
            case .good: .green
            case .warning: .yellow
            case .bad: .red
            }
        }
    }

    var verdict: Verdict
    var text: String
    var remedy: String?

    static func good(_ text: String) -> Finding {
        Finding(verdict: .good, text: text)
    }

    static func warning(_ text: String, remedy: String? = nil) -> Finding {
        Finding(verdict: .warning, text: text, remedy: remedy)
    }

    static func bad(_ text: String, remedy: String? = nil) -> Finding {
        Finding(verdict: .bad, text: text, remedy: remedy)
    }
}

struct Check: Sendable {
    let name: String
    let find: @Sendable () async -> Finding

    init(_ name: String, _ find: @escaping @Sendable () async -> Finding) {
        self.name = name
        self.find = find
    }

    /// A check with functions of the system that may block: a look-up of a name, a disk that hangs. It has a thread of
    /// its own, so that no other check waits for it.
    init(_ name: String, blocking find: @escaping @Sendable () -> Finding) {
        self.init(name) {
            await withCheckedContinuation { continuation in
                Thread.detachNewThread { continuation.resume(returning: find()) }
            }
        }
    }
}

struct NamedFinding: Hashable, Sendable {
    let name: String
    let finding: Finding

    /// The finding as lines. The remedy is below it.
    func lines(width: Int, on terminal: Terminal) -> [String] {
        let mark = terminal.styled(finding.verdict.mark, finding.verdict.style)
        let padding = String(repeating: " ", count: max(0, width - name.count))
        let remedy = finding.remedy.map { ["    → \($0)"] } ?? []
        return ["\(mark) \(name):\(padding) \(finding.text)"] + remedy
    }
}
