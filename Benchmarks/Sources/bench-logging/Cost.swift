import Foundation
import Logging
import ServiceKit

/// The cost of a line of ``CallLogging``, in CPU time of the process.
enum Cost {
    private static let lines = 200_000

    static func measure() {
        let null = open("/dev/null", O_WRONLY)
        // From here on nothing is read.
        guard null >= 0, dup2(null, STDERR_FILENO) >= 0 else { return }
        let ours = nanoseconds(Logger(label: "user-service") { QueuedLogHandler.standardError(label: $0) })
        let theirs = nanoseconds(Logger(label: "user-service") { StreamLogHandler.standardError(label: $0) })
        print("a line            \(ours.0) ns, \(ours.1) ns of CPU time with writing it to /dev/null")
        print("StreamLogHandler  \(theirs.0) ns, \(theirs.1) ns of CPU time")
    }

    private static func nanoseconds(_ logger: Logger) -> (wall: Int, cpu: Int) {
        let cpu = clock()
        var time = Duration.zero
        for round in 0..<lines / 1000 {
            time += ContinuousClock().measure {
                for number in 0..<1000 {
                    let metadata: Logger.Metadata = [
                        "side": "server", "transport": "grpc", "path": "/user.v1.UserService/GetUser",
                        "peer": "127.0.0.1:40000", "ms": "\(0.123)", "code": "200",
                    ]
                    logger.info("call", metadata: metadata)
                    _ = (round, number)
                }
            }
            // The pause keeps lines from being dropped: a dropped line would cost nothing.
            usleep(3000)
        }
        let cpuSeconds = Double(clock() - cpu) / Double(CLOCKS_PER_SEC)
        return (Int(time / .nanoseconds(1)) / lines, Int(cpuSeconds * 1e9) / lines)
    }
}
