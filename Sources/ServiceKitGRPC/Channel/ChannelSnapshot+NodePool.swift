#if canImport(FoundationEssentials)
internal import FoundationEssentials
#else
internal import Foundation
#endif
internal import GRPCCore
internal import GRPCNghttp2Transport
internal import ServiceKit

extension ChannelSnapshot {
    /// Describes a channel's nodes.
    init<Connection>(
        of service: String,
        _ pool: NodePoolState<Connection>,
        _ state: ConnectivityState,
        at now: UInt64,
        callsWaiting: Int,
        _ breakers: CircuitBreakers
    ) {
        let (connectivity, failure) = Self.connectivity(state)
        let members = Array(pool.members.values) + Array(pool.draining.values)
        let preferred = pool.nodes.preferred
        self.init(
            service: service,
            connectivity: connectivity,
            failure: failure,
            discovery: Discovery(pool.selection),
            instances: pool.selection.known.sorted { $0.id < $1.id },
            nodes: members.sorted { $0.node.instance.id < $1.node.instance.id }.map { member in
                let (node, priority) = pool.nodes[member.node] ?? (member.node, nil)
                return Node(
                    node,
                    Connectivity(member.connectionState),
                    failure: member.failure?.message,
                    isEligible: priority != nil
                        && (priority == preferred || priority == .elsewhere && pool.nodes.ownShare < 1),
                    ejectedUntil: pool.nodes.ejectionEnd(of: node, at: now).map {
                        .now.addingTimeInterval(Double($0 - now) / 1e9)
                    },
                    refusalProbability: breakers.refusalProbability(of: member.place.breaker, at: now)
                )
            },
            callsWaiting: callsWaiting,
            breakers: breakers.snapshot,
            refusedCalls: breakers.refusedCalls
        )
    }

    private static func connectivity(_ state: ConnectivityState) -> (Connectivity, failure: String?) {
        switch state {
        case .resolving(let cause): (.connecting, cause)
        case .empty: (.transientFailure, "no instance can be called")
        case .connecting: (.connecting, nil)
        case .transientFailure(let error, _): (.transientFailure, error.message)
        case .ready: (.ready, nil)
        case .shutdown: (.shutdown, nil)
        }
    }
}

extension ChannelSnapshot.Connectivity {
    fileprivate init(_ state: ClientConnection.State) {
        self =
            switch state {
            case .idle: .idle
            case .connecting: .connecting
            case .ready: .ready
            case .transientFailure: .transientFailure
            case .shutdown: .shutdown
            }
    }
}

extension ChannelSnapshot.Discovery {
    fileprivate init(_ selection: InstanceSelection) {
        let lastContact = selection.lastLive.map { Date($0) }
        switch selection.state {
        case nil: self.init()
        case .live: self.init(.live, lastContact: lastContact)
        case .stale(let since, let cause):
            self.init(.stale, staleSince: Date(since), cause: cause, lastContact: lastContact)
        }
    }
}
