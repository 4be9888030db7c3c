private import ServiceKitConfig

/// A failure of a registry, in one line that names the registry, the action, and the remedy.
public struct RegistryError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure, which decides whether trying again can help.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name.
        public let description: String
        /// Whether the same call can succeed later without anyone changing anything else.
        public let isTransient: Bool

        private init(_ name: String, isTransient: Bool = false) {
            description = name
            self.isTransient = isTransient
        }

        /// The registry cannot be reached or does not answer; trying again can help.
        public static let unavailable = Code("unavailable", isTransient: true)
        /// The registry did not answer in time; trying again can help.
        public static let timeout = Code("timeout", isTransient: true)
        /// Another owner holds the instance's id.
        public static let alreadyRegistered = Code("alreadyRegistered")
        /// The instance breaks a rule that trying again does not mend.
        public static let invalidInstance = Code("invalidInstance")
        /// The registry refuses access.
        public static let permissionDenied = Code("permissionDenied")
        /// The registry asks for a user, or does not know this one or the password.
        public static let unauthenticated = Code("unauthenticated")
        /// The registry cannot work as it is configured: a file is where its directory should be, say.
        public static let misconfigured = Code("misconfigured")
        /// This cannot be done at all: an update after the deregistration, say.
        public static let unsupported = Code("unsupported")
        /// The instance to be changed is not there.
        public static let notFound = Code("notFound")
        /// The registry lost the entry of a registration, which puts it back.
        public static let lost = Code("lost", isTransient: true)
    }

    /// The kind of failure.
    public var code: Code
    /// The step that failed, the object it failed on, and the remedy.
    public var message: String
    /// With ``Code/alreadyRegistered``: how long the holder's entry stays unless its owner renews it, as far as the registry
    /// knows. `nil` when the owner is known to live, or the entry does not end by itself.
    ///
    /// An owner that has crashed leaves such an entry behind. A registration waits for its end.
    public var endsWithin: Duration?

    /// Whether the same call can succeed only after a change by a person: trying again is not enough. A registration
    /// tries again all the same; a required registration of an ``App`` fails at once.
    public var isPermanent: Bool { !code.isTransient && endsWithin == nil }

    /// Creates an error; passwords of URLs in the message are masked.
    public init(code: Code, message: String, endsWithin: Duration? = nil) {
        self.code = code
        self.message = URLSecrets.masked(message)
        self.endsWithin = endsWithin
    }

    /// The message.
    public var description: String { message }
}
