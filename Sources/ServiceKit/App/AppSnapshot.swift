public import FoundationEssentials

/// The state of an App and its parts at one moment, for operators and tests.
public struct AppSnapshot: Codable, Hashable, Sendable {
    /// The instance: name, id, version and labels; with the endpoints that the registry has for it once it is registered.
    public var instance: ServiceInstance
    /// Whether the App serves.
    public var health: AppHealth
    /// The step of the start or the stop that runs now, as logs name it: `draining`. `nil` between steps, and while the App
    /// serves.
    public var step: String?
    /// The registration; `nil` until the App registers, and in an App that does not.
    public var registration: Registration?
    /// The configuration: its generation, what was refused, what needs a restart.
    public var configuration: ConfigurationStatus
    /// The servers, in the order in which they were added.
    public var servers: [Server]
    /// The limits and circuit breakers of the servers.
    public var protection: Protection
    /// The channels that the App runs, by the services' names.
    public var channels: [ChannelSnapshot]

    /// When the registry answered last, as far as the registration and the channels tell; `nil` when it never did.
    public var lastRegistryContact: Date? {
        (channels.map(\.discovery.lastContact) + [registration?.lastContact]).compactMap(\.self).max()
    }

    /// The registration in the registry.
    public struct Registration: Codable, Hashable, Sendable {
        /// The registry's name in configuration, or the type of a registry that was handed over.
        public var registry: String
        /// Whether the registry holds the instance.
        public var state: State
        /// The time of the last change of ``state`` or ``cause``.
        public var since: Date
        /// Why the registry does not hold the instance, as far as that is known.
        public var cause: String?
        /// When the registry took the instance last; `nil` when it never did.
        public var lastContact: Date?

        /// Whether a registry holds an instance; see ``RegistrationState``.
        public enum State: String, Codable, Sendable {
            /// The registry has not taken the instance yet.
            case registering
            /// The registry holds the instance.
            case registered
            /// The registry has lost the instance; it is being put back.
            case lost
            /// The instance was taken out.
            case deregistered
        }

        init(in registry: String, _ new: RegistrationState, at now: Date, after last: Registration?) {
            self.registry = registry
            state =
                switch new {
                case .registering: .registering
                case .registered: .registered
                case .lost: .lost
                case .deregistered: .deregistered
                }
            cause = new.cause?.message
            let isSame = state == last?.state && cause == last?.cause
            since = isSame ? last?.since ?? now : now
            lastContact = state == .registered && !isSame ? now : last?.lastContact
        }
    }

    /// The limits and circuit breakers that hold calls of the servers back.
    public struct Protection: Codable, Hashable, Sendable {
        /// The most calls in flight that `server.limit` allows now; `nil` if there is no limit, or `bbr` does not act.
        public var concurrencyLimit: Int?
        /// The calls in flight that count for ``concurrencyLimit``; 0 if no limit is configured.
        public var callsInFlight: Int
        /// The methods whose breakers refuse calls now.
        public var breakers: [BreakerSnapshot]
        /// The calls that were refused since the start.
        public var refusedCalls: RefusedCalls

        /// Numbers of refused calls, by what refused them.
        public struct RefusedCalls: Codable, Hashable, Sendable {
            /// `server.limit`.
            public var concurrency: Int
            /// `server.rate-limit`.
            public var rate: Int
            /// `server.breaker`.
            public var breaker: Int
        }

        init(_ middleware: MiddlewareChain) {
            let limits = middleware.all(ConcurrencyLimit.self).map(\.snapshot)
            let breakers = middleware.all(CircuitBreakers.self)
            concurrencyLimit = limits.compactMap(\.limit).min()
            callsInFlight = limits.reduce(0) { $0 + $1.inFlight }
            self.breakers = breakers.flatMap(\.snapshot)
            refusedCalls = RefusedCalls(
                concurrency: limits.reduce(0) { $0 + $1.refused },
                rate: middleware.all(RateLimit.self).reduce(0) { $0 + $1.refusedCalls },
                breaker: breakers.reduce(0) { $0 + $1.refusedCalls }
            )
        }
    }

    /// A server.
    public struct Server: Codable, Hashable, Sendable {
        /// The server's name: `grpc`.
        public var name: String
        /// Whether the server accepts connections.
        public var state: State
        /// The addresses that the server listens on and that other processes can be sent to; empty unless it is ready.
        public var endpoints: [Endpoint]
        /// The open connections and the calls in flight; `nil` for a server that does not count them.
        public var load: ServerLoad?

        /// The server's progress.
        public enum State: String, Codable, Sendable {
            /// The server is not ready yet.
            case starting
            /// The server listens, or drains.
            case ready
            /// The server has ended.
            case ended
        }
    }
}

extension App {
    /// The state of the App and its parts at this moment. It costs a walk over all nodes of all channels: ask for it as an operator does,
    /// not for each call.
    public func snapshot() -> AppSnapshot {
        let (runtime, channels) = snapshotSources
        return AppSnapshot(
            instance: runtime?.registration?.instance ?? instance,
            health: health.value,
            step: runtime?.step,
            registration: runtime?.registrationSnapshot,
            configuration: store.status,
            servers: runtime?.servers.map(\.snapshot) ?? [],
            protection: AppSnapshot.Protection(serverMiddleware),
            channels: channels.map { $0() }.sorted { $0.service < $1.service }
        )
    }
}
