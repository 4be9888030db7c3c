/// The output of `bench-client --fleet`, as JSON, when the channel is connected to every instance.
public struct FleetReport: Codable, Sendable {
    /// The instances that joined.
    public var instances: Int

    /// The time from the first registration to the last connection.
    public var seconds: Double

    /// The CPU time that the client took in that time.
    public var cpuSeconds: Double

    /// Creates a report.
    public init(instances: Int, seconds: Double, cpuSeconds: Double) {
        self.instances = instances
        self.seconds = seconds
        self.cpuSeconds = cpuSeconds
    }
}
