import Foundation
import Glibc
import ServiceKit

/// A table of instances that is drawn over itself.
struct WatchScreen {
    /// How much a terminal shows.
    struct Size: Hashable {
        var rows: Int
        var columns: Int

        /// That of the terminal that standard output is; 24 by 80 if it does not say.
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

    /// - Parameters:
    ///   - title: What stands above the table.
    ///   - namesServices: Whether there is a column for the service.
    init(title: String, namesServices: Bool) {
        self.title = title
        table = InstanceTable(namesServices: namesServices)
    }

    /// The lines to be seen; the first is a title, the last may say how many did not fit.
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
            lines.append("\(service): the registry is away, these are the last known: \(TextTable.printable(cause))")
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

    /// What to write to a terminal so that it shows the lines in place of those before.
    mutating func frame(_ lines: [String]) -> String {
        let up = drawn > 0 ? "\r\u{1B}[\(drawn)A" : ""
        drawn = lines.count
        return up + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }
}
