import ServiceKitConfig

/// The states of a ``ConfigurationStore``, as a value: events change it and return the actions to take.
///
/// | State | Event | Next | Action |
/// |---|---|---|---|
/// | starting | a source reported; others are silent or away | starting | none |
/// | starting | the last source reported | starting | begin |
/// | starting | begin, or the time limit with every required source loaded | building | build |
/// | starting | the time limit with a required source missing | starting | fail |
/// | current | a source changed, or a reload was asked for | settling | settle |
/// | settling | another change | settling | none |
/// | settling | settled | building | build |
/// | building | a change | building, stale | none |
/// | building | built, taken or refused | current | none |
/// | building, stale | built, taken or refused | settling | settle |
struct ConfigurationStoreState {
    enum Phase: Hashable {
        case starting, current, settling
        case building(isStale: Bool)
    }

    enum Action: Hashable {
        case none
        /// Call ``begin()``.
        case begin
        /// Wait for the end of a burst of changes, then call ``settled()``.
        case settle
        /// Build a configuration from these documents, then call ``built()``.
        case build([ConfigurationDocument])
        /// The start failed, for this reason.
        case fail(String)
    }

    private struct Source {
        var name: String
        var isRequired: Bool
        /// The last documents; `nil` until the source loads.
        var documents: [ConfigurationDocument]?
        /// Why the source is away.
        var cause: String?
        var hasReported: Bool { documents != nil || cause != nil }
    }

    /// A difference between a report of a source and the one before, for the log.
    enum News: Hashable {
        /// The source is away, for this reason; whether values that it had stay.
        case away(String, hasValues: Bool)
        /// The source is no longer away.
        case back
    }

    private(set) var phase = Phase.starting
    private var sources: [Source]

    init(sources: [(name: String, isRequired: Bool)]) {
        self.sources = sources.map { Source(name: $0.name, isRequired: $0.isRequired) }
    }

    /// Why sources are away, by their names.
    var away: [String: String] {
        Dictionary(sources.compactMap { source in source.cause.map { (source.name, $0) } }) { first, _ in first }
    }

    /// The documents of all sources, in their order.
    private var documents: [ConfigurationDocument] { sources.flatMap { $0.documents ?? [] } }

    /// Whether a source, by its number, has told its state.
    func hasReported(_ source: Int) -> Bool { sources[source].hasReported }

    /// The news in a source's report, which has not been taken in yet; `nil` when there is none.
    func news(in state: ConfigurationSourceState, by source: Int) -> News? {
        let source = sources[source]
        return switch state {
        case .loaded: source.cause == nil ? nil : .back
        case .away(let cause): source.cause == cause ? nil : .away(cause, hasValues: source.documents != nil)
        }
    }

    /// A source, by its number, reported its state.
    mutating func reported(_ state: ConfigurationSourceState, by source: Int) -> Action {
        switch state {
        case .loaded(let documents):
            sources[source].cause = nil
            if documents == sources[source].documents { return .none }
            sources[source].documents = documents
        case .away(let cause):
            // Its last values stay in force.
            sources[source].cause = cause
            if phase != .starting { return .none }
        }
        if phase != .starting { return changed() }
        let isReady = sources.allSatisfy { $0.isRequired ? $0.documents != nil : $0.hasReported }
        return isReady ? .begin : .none
    }

    /// Something changed that sources do not tell.
    mutating func changed() -> Action {
        switch phase {
        case .current:
            phase = .settling
            return .settle
        case .building:
            phase = .building(isStale: true)
            return .none
        case .starting, .settling:
            return .none
        }
    }

    /// All sources have reported, or the time limit of the start has come.
    mutating func begin() -> Action {
        let missing = sources.filter { $0.isRequired && $0.documents == nil }
        guard missing.isEmpty else {
            return .fail(missing.map { "\($0.name): \($0.cause ?? "no answer")" }.joined(separator: "; "))
        }
        phase = .building(isStale: false)
        return .build(documents)
    }

    /// The burst of changes is over.
    mutating func settled() -> Action {
        phase = .building(isStale: false)
        return .build(documents)
    }

    /// The configuration was taken or refused.
    mutating func built() -> Action {
        defer { if phase != .settling { phase = .current } }
        guard phase == .building(isStale: true) else { return .none }
        phase = .settling
        return .settle
    }
}
