import ServiceKitTesting
import Testing

/// What needs a server, and neither harms it nor needs it to be set up in any way.
@Suite(.sharedServers, .enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(3)))
enum SharedServerTests {}
