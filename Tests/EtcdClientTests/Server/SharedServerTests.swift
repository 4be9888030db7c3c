import ServiceKitTesting
import Testing

/// Tests that need a server with default options, and that leave it usable.
@Suite(.sharedServers, .enabled(if: EtcdServer.isAvailable(), "etcd is not installed"), .timeLimit(.minutes(3)))
enum SharedServerTests {}
