// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let etcdClient = Target.Dependency.product(name: "EtcdClient", package: "servicekit")
let grpc = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")
let grpcProtobuf = Target.Dependency.product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioTransport = Target.Dependency.product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")
let nghttp2Transport = Target.Dependency.product(name: "GRPCNghttp2Transport", package: "servicekit")
let serviceKit = Target.Dependency.product(name: "ServiceKit", package: "servicekit")
let serviceKitConfig = Target.Dependency.product(name: "ServiceKitConfig", package: "servicekit")
let serviceKitEtcd = Target.Dependency.product(name: "ServiceKitEtcd", package: "servicekit")
let serviceKitGRPC = Target.Dependency.product(name: "ServiceKitGRPC", package: "servicekit")
let serviceKitHTTP = Target.Dependency.product(name: "ServiceKitHTTP", package: "servicekit")
let serviceKitTesting = Target.Dependency.product(name: "ServiceKitTesting", package: "servicekit")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

// A package of its own, so that what the kit is measured against is no dependency of it.
let package = Package(
    name: "servicekit-benchmarks",
    dependencies: [
        .package(name: "servicekit", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        .target(name: "BenchmarkSupport", dependencies: [argumentParser, grpc, nioPosix], swiftSettings: settings),
        .target(
            name: "BenchmarkHarness",
            dependencies: ["BenchmarkSupport", argumentParser, subprocess, system, unixSignals],
            swiftSettings: settings
        ),
        .target(
            name: "BenchmarkNotes",
            dependencies: [grpc, protobuf],
            exclude: ["note.proto"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "bench-server",
            dependencies: [
                "BenchmarkNotes", "BenchmarkSupport", argumentParser, grpc, grpcProtobuf, nghttp2Transport, nioPosix,
                nioTransport, serviceKit, serviceKitConfig, serviceKitGRPC, serviceKitHTTP, protobuf,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "bench-client",
            dependencies: [
                "BenchmarkSupport", argumentParser, grpc, grpcProtobuf, logging, nghttp2Transport, nioTransport,
                serviceKit,
                serviceKitGRPC, protobuf,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "bench-transport",
            dependencies: ["BenchmarkHarness", "BenchmarkSupport", argumentParser, subprocess, system],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "bench-logging",
            dependencies: [
                "BenchmarkSupport", argumentParser, grpc, histogram, logging, serviceKit, serviceKitConfig,
                serviceKitGRPC,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "bench-etcd-client",
            dependencies: [
                "BenchmarkSupport", argumentParser, etcdClient, grpc, histogram, logging, nghttp2Transport, serviceKit,
                serviceKitEtcd, serviceKitGRPC,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "bench-etcd",
            dependencies: [
                "BenchmarkHarness", "BenchmarkSupport", argumentParser, etcdClient, serviceKitTesting, subprocess,
                system,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "bench-governance",
            dependencies: [
                "BenchmarkHarness", "BenchmarkSupport", argumentParser, serviceKit, serviceKitConfig, system,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "bench-hummingbird",
            dependencies: ["BenchmarkSupport", hummingbird, logging, nioCore],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "bench-http",
            dependencies: [
                "BenchmarkHarness", "BenchmarkNotes", "BenchmarkSupport", argumentParser, protobuf, subprocess, system,
            ],
            swiftSettings: settings
        ),
        .target(name: "BenchmarkConfiguration", swiftSettings: settings),
        .executableTarget(
            name: "bench-config-ours",
            dependencies: [
                "BenchmarkConfiguration", "BenchmarkSupport", argumentParser, logging, serviceKit, serviceKitConfig,
            ],
            swiftSettings: settings
        ),
        // Apart from the kit: both have libyaml's symbols.
        .executableTarget(
            name: "bench-config-yams",
            dependencies: ["BenchmarkConfiguration", "BenchmarkSupport", argumentParser, yams],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "bench-config",
            dependencies: ["BenchmarkConfiguration", "BenchmarkHarness", argumentParser, subprocess, system],
            swiftSettings: settings
        ),
    ]
)
