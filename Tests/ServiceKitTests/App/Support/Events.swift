import ServiceKit

/// Records events in their order.
final class Events: Sendable {
    private let recorded = Watched<[String]>([])

    var all: [String] { recorded.value }

    func record(_ event: String) {
        recorded.update { $0.append(event) }
    }

    func wait(for event: String) async {
        _ = await recorded.first { $0.contains(event) }
    }

    func contains(_ event: String) -> Bool {
        all.contains(event)
    }
}

/// A failure that a test raises.
struct Failure: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
