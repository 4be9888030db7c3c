import Foundation
import ServiceKitProtobuf
import SwiftProtobuf

/// Measures JSON of protobuf's messages, by the kit or by SwiftProtobuf:
///
///     servicekit-json-bench encode|decode kit|swift-protobuf MILLISECONDS [SHAPE]
///
/// Prints a line for each shape: its name, the CPU time of a conversion in nanoseconds, and the size of the JSON in bytes.
@main
enum JSONBench {
    enum Direction: String {
        /// Wire format to JSON. SwiftProtobuf makes its message on the way.
        case encode
        /// JSON to wire format. SwiftProtobuf makes its message on the way.
        case decode
    }

    enum Side: String {
        case kit
        case swiftProtobuf = "swift-protobuf"
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard (3...4).contains(arguments.count), let direction = Direction(rawValue: arguments[1]),
            let side = Side(rawValue: arguments[2]), let milliseconds = Int(arguments[3])
        else {
            throw Failure(
                description: "usage: servicekit-json-bench encode|decode kit|swift-protobuf MILLISECONDS [SHAPE]")
        }
        let shapes = Shape.all.filter { arguments.count < 4 || $0.name == arguments[4] }
        guard !shapes.isEmpty else { throw Failure(description: "there is no such shape") }
        let tables = MessageTables(try DescriptorPool(base64: [shapesDescriptors]))
        for shape in shapes {
            let (nanoseconds, bytes) = try shape.measure(direction, side, tables, Double(milliseconds) / 1000)
            print(shape.name, Int(nanoseconds), bytes)
        }
    }

    /// The CPU time of this process, in seconds.
    private static var cpuSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The CPU time of a conversion, in nanoseconds. It is made again and again for some time after a warm-up.
    ///
    /// - Parameter convert: Makes the conversion, and returns the size of its result.
    static func measure(_ seconds: Double, _ convert: () throws -> Int) rethrows -> Double {
        let size = try convert()
        var count = 1
        while true {
            let start = cpuSeconds
            for _ in 0..<count where try convert() != size { preconditionFailure("the results differ in size") }
            let used = cpuSeconds - start
            if used >= seconds { return used / Double(count) * 1e9 }
            // The shorter runs are the warm-up.
            count = max(count * 2, min(count * 100, Int(Double(count) * seconds * 1.1 / max(used, 1e-9))))
        }
    }
}
