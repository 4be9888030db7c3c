import Foundation

/// What a check found.
struct Finding: Hashable, Sendable {
    /// How bad it is.
    enum Verdict: String, Sendable {
        case good
        /// Something may not work.
        case warning
        /// Something does not work.
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
    /// What to do about it.
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

/// Something to look at.
struct Check: Sendable {
    let name: String
    let find: @Sendable () async -> Finding

    init(_ name: String, _ find: @escaping @Sendable () async -> Finding) {
        self.name = name
        self.find = find
    }

    /// Something to look at with functions of the system that may block: a name that is looked up, a disk that hangs. It
    /// has a thread of its own, so that no other check waits for it.
    init(_ name: String, blocking find: @escaping @Sendable () -> Finding) {
        self.init(name) {
            await withCheckedContinuation { continuation in
                Thread.detachNewThread { continuation.resume(returning: find()) }
            }
        }
    }
}

/// What a check of a name found.
struct NamedFinding: Hashable, Sendable {
    let name: String
    let finding: Finding

    /// Line by line; the remedy stands below.
    func lines(width: Int, on terminal: Terminal) -> [String] {
        let mark = terminal.styled(finding.verdict.mark, finding.verdict.style)
        let padding = String(repeating: " ", count: max(0, width - name.count))
        let remedy = finding.remedy.map { ["    → \($0)"] } ?? []
        return ["\(mark) \(name):\(padding) \(finding.text)"] + remedy
    }
}
