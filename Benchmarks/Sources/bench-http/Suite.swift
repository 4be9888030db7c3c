import BenchmarkHarness
import BenchmarkNotes
import Foundation
import SwiftProtobuf
import SystemPackage

/// The figures of HTTP.
struct Suite: Sendable {
    private let programs: FilePath
    private let requests: Int
    private let scratch: String
    private let envoy: FilePath?
    private let skipped: String?
    private let grpc: HTTPLoad
    private let connect: HTTPLoad
    private let connectJSON: HTTPLoad
    private let rest: HTTPLoad
    private let rest1: HTTPLoad
    private let bytes = HTTPLoad(.http1, path: "/bytes")
    private let bytes2 = HTTPLoad(.http2, path: "/bytes")

    /// - Parameters:
    ///   - programs: The directory of the servers.
    ///   - scratch: A directory for the bodies of requests.
    ///   - requests: The number of requests of a measurement.
    ///   - envoy: The program envoy, if it is there.
    ///   - skipped: The reason why this machine cannot measure.
    init(programs: FilePath, scratch: String, requests: Int, envoy: FilePath?, skipped: String?) throws {
        self.programs = programs
        self.requests = requests
        self.scratch = scratch
        self.envoy = envoy
        self.skipped = skipped
        let message: Data = try Benchmark_V1_Note.sample.serializedBytes()
        let length = withUnsafeBytes(of: UInt32(message.count).bigEndian) { Data($0) }
        func file(_ name: String, _ data: Data) throws -> String {
            let path = scratch + "/" + name
            try data.write(to: URL(fileURLWithPath: path))
            return path
        }
        let framed = try file("framed", Data([0]) + length + message)
        let binary = try file("binary", message)
        let json = try file("json", try Benchmark_V1_Note.sample.jsonUTF8Data())
        let method = "/benchmark.v1.Notes/Echo"
        grpc = HTTPLoad(
            .http2, path: method, headers: ["te: trailers", "content-type: application/grpc"], body: framed)
        connect = HTTPLoad(.http2, path: method, headers: ["content-type: application/proto"], body: binary)
        connectJSON = HTTPLoad(.http2, path: method, headers: ["content-type: application/json"], body: json)
        rest = HTTPLoad(.http2, path: "/v1/notes", headers: ["content-type: application/json"], body: json)
        rest1 = HTTPLoad(.http1, path: "/v1/notes", headers: ["content-type: application/json"], body: json)
    }

    var benchmarks: [Benchmark] {
        [
            benchmark(
                "http_raw_hummingbird", "CPU of a GET of 100 bytes over HTTP/1.1, Hummingbird ÷ ours", .atLeast(1.5),
                [
                    ours("ours, in an App", bytes, "--no-time-limit"), hummingbird,
                    ours("ours, with a time limit", bytes), ours("ours, over HTTP/2", bytes2, "--no-time-limit"),
                ],
                ratio: { ours, theirs in theirs / ours }),
            benchmark(
                "rest_grpc", "CPU of a call over REST with JSON ÷ over gRPC, both over HTTP/2", .atMost(2.5),
                [ours("REST", rest), ours("gRPC", grpc), ours("REST, over HTTP/1.1", rest1)]),
            benchmark(
                "connect_grpc", "CPU of a call by Connect in the wire format ÷ over gRPC", .atMost(1.5),
                [ours("Connect", connect), ours("gRPC", grpc), ours("Connect with JSON", connectJSON)]),
            transcoding,
        ]
    }

    /// The same call over REST, of our server alone, and of Envoy and our server together.
    private var transcoding: Benchmark {
        var benchmark = benchmark(
            "rest_envoy", "CPU of a call over REST: Envoy before our gRPC port, both ÷ ours alone", .atLeast(2),
            [
                ours("ours", rest), beforeOurs("Envoy and ours", rest), ours("ours, over HTTP/1.1", rest1),
                beforeOurs("Envoy and ours, over HTTP/1.1", rest1),
            ],
            ratio: { ours, theirs in theirs / ours })
        if envoy == nil { benchmark.skipped = "no Envoy; name the program with --envoy" }
        return benchmark
    }

    private func benchmark(
        _ name: String, _ figure: String, _ bar: Bar, _ subjects: [Subject],
        ratio: @escaping @Sendable (_ ours: Double, _ theirs: Double) -> Double = { $0 / $1 }
    ) -> Benchmark {
        Benchmark(name: name, figure: figure, bar: bar, subjects: subjects, ratio: ratio, skipped: skipped)
    }

    private func server(_ options: [String] = []) -> ServerCommand {
        ServerCommand(
            program: programs.appending("bench-server"),
            arguments: ["--transport", "nghttp2", "--in-app", "--http"] + options)
    }

    private func ours(_ name: String, _ load: HTTPLoad, _ options: String...) -> Subject {
        Subject(name: name) { try await load.serverCPU(server(options), requests: requests) }
    }

    /// Envoy takes the requests, and calls our server over gRPC.
    private func beforeOurs(_ name: String, _ load: HTTPLoad) -> Subject {
        Subject(name: name) {
            try await RunningServer.with(server()) { server in
                try await RunningEnvoy.with(program: envoy ?? "envoy", upstream: server.port, scratch) { envoy in
                    try await load.cpu(of: [envoy.usage, server.usage], on: envoy.port, requests: requests)
                }
            }
        }
    }

    private var hummingbird: Subject {
        let command = ServerCommand(program: programs.appending("bench-hummingbird"))
        return Subject(name: "Hummingbird") { try await bytes.serverCPU(command, requests: requests) }
    }
}
