import Foundation
import Glibc
import ServiceKit

/// A table of instances that redraws itself.
struct WatchScreen {
    struct Size: Hashable {
        var rows: Int
        var columns: Int

        /// The size of the terminal at standard output; 24 by 80 if it gives none.
        static var current: Size {
            var size = winsize()
            guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else {
                return Size(rows: 24, columns: 80)
            }
            return Size(rows: Int(size.ws_row), columns: Int(size.ws_col))
        }
    }

    private let title: String
    private var table: InstanceTable
    private var drawn = 0

    /// The title is the line above the table.
    init(title: String, namesServices: Bool) {
        self.title = title
        table = InstanceTable(namesServices: namesServices)
    }

    /// The visible lines. The first is the title. The last may give the number of lines that did not fit.
    mutating func lines(_ services: [String: DiscoverySnapshot], size: Size, now: Date = .now) -> [String] {
        let snapshots = services.sorted { $0.key < $1.key }
        let instances = snapshots.flatMap { $0.value.instances.sorted { $0.id < $1.id } }
        let seen = table.firstSeen
        table.firstSeen = [:]
        for instance in instances {
            let name = InstanceName(instance)
            table.firstSeen[name] = seen[name] ?? now
        }
        var lines = ["\(title): \(instances.count) instance\(instances.count == 1 ? "" : "s"); ctrl-C ends"]
        for (service, snapshot) in snapshots {
            guard case .stale(_, let cause) = snapshot.state else { continue }
            lines.append(
                "\(service): the registry is away (\(TextTable.printable(cause))); these instances are the last known")
        }
        lines += table.lines(instances, now: now)
        // One line stays free for the cursor.
        let room = max(2, size.rows - 1)
        if lines.count > room {
            let hidden = lines.count - room + 1
            lines = lines.prefix(room - 1) + ["... and \(hidden) more"]
        }
        return lines.map { String($0.prefix(size.columns)) }
    }

    /// The text that replaces the terminal's earlier lines with these lines.
    mutating func frame(_ lines: [String]) -> String {
        let up = drawn > 0 ? "\r\u{1B}[\(drawn)A" : ""
        drawn = lines.count
        return up + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }
}
