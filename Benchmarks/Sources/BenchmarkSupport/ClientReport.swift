/// The JSON that `bench-client` and the client on grpc-go print when every call has succeeded.
public struct ClientReport: Codable, Sendable {
    /// The calls made.
    public var calls: Int

    /// The messages received.
    public var messages: Int

    /// The bytes of the messages sent and received.
    public var bytes: Int

    /// How long the calls took altogether.
    public var seconds: Double

    /// The CPU time that the client took for them.
    public var clientCPUSeconds: Double

    /// The CPU time that the servers took for them.
    public var serverCPUSeconds: Double

    /// The median time of a call, in microseconds.
    public var p50Microseconds: Double

    /// The 99th percentile of the time of a call, in microseconds.
    public var p99Microseconds: Double

    /// Creates a report.
    public init(
        calls: Int,
        messages: Int,
        bytes: Int,
        seconds: Double,
        clientCPUSeconds: Double,
        serverCPUSeconds: Double,
        p50Microseconds: Double,
        p99Microseconds: Double
    ) {
        self.calls = calls
        self.messages = messages
        self.bytes = bytes
        self.seconds = seconds
        self.clientCPUSeconds = clientCPUSeconds
        self.serverCPUSeconds = serverCPUSeconds
        self.p50Microseconds = p50Microseconds
        self.p99Microseconds = p99Microseconds
    }
}
