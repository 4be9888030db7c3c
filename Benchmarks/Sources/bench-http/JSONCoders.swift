import BenchmarkHarness
import Foundation
import Subprocess
import SystemPackage

/// The figures of the conversion between JSON and the wire format, by the kit and by SwiftProtobuf.
struct JSONCoders: Sendable {
    /// The program servicekit-json-bench, if it is there.
    let program: FilePath?
    /// The CPU time of a measurement.
    let milliseconds: Int

    private static let shapes = [
        "note", "notebook", "texts", "prose", "maps", "doubles", "prices", "integers", "known",
    ]

    /// For each direction the geometric mean of all shapes, and then each shape.
    var benchmarks: [Benchmark] {
        [("encode", "wire format to JSON"), ("decode", "JSON to wire format")].flatMap { direction, title in
            [
                benchmark(
                    "json_\(direction)", "CPU of \(title), mean of all shapes, SwiftProtobuf ÷ ours", direction, nil)
            ]
                + Self.shapes.map {
                    benchmark("json_\(direction)_\($0)", "CPU of \(title), SwiftProtobuf ÷ ours", direction, $0)
                }
        }
    }

    private func benchmark(_ name: String, _ figure: String, _ direction: String, _ shape: String?) -> Benchmark {
        Benchmark(
            name: name, figure: figure, bar: .atLeast(2),
            subjects: [
                subject("ours", direction, "kit", shape), subject("SwiftProtobuf", direction, "swift-protobuf", shape),
            ],
            ratio: { ours, theirs in theirs / ours },
            skipped: program == nil ? "no servicekit-json-bench; name the program with --json" : nil)
    }

    private func subject(_ name: String, _ direction: String, _ side: String, _ shape: String?) -> Subject {
        Subject(name: name) {
            let text = try await output(
                of: .path(program ?? "servicekit-json-bench"),
                [direction, side, "\(milliseconds)"] + (shape.map { [$0] } ?? []))
            let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
            let times = lines.compactMap { $0.count == 3 ? Double($0[1]) : nil }
            guard times.count == (shape == nil ? Self.shapes.count : 1),
                let bytes = lines.last?.last.flatMap({ Double($0) })
            else { throw MeasurementError(description: "servicekit-json-bench printed:\n\(text)") }
            let mean = exp(times.map { log($0) }.reduce(0, +) / Double(times.count))
            return Sample(
                main: .init(value: mean / 1000, unit: "µs"),
                others: shape == nil ? [] : [.init(value: bytes, unit: "bytes of JSON")])
        }
    }
}
