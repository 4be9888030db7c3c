// swift-tools-version: 6.2
import PackageDescription

let testSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]
// An async function runs where its caller does: the call costs no look at executors.
let settings = testSettings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]

let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let configurationTesting = Target.Dependency.product(name: "ConfigurationTesting", package: "swift-configuration")
let collections = Target.Dependency.product(name: "HashTreeCollections", package: "swift-collections")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let grpc = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")
let grpcInProcess = Target.Dependency.product(name: "GRPCInProcessTransport", package: "grpc-swift-2")
let grpcProtobuf = Target.Dependency.product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(
    name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["Hummingbird"]))
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let tracingTesting = Target.Dependency.product(name: "InMemoryTracing", package: "swift-distributed-tracing")
let metricsTesting = Target.Dependency.product(name: "MetricsTestKit", package: "swift-metrics")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioHTTPCompression = Target.Dependency.product(name: "NIOHTTPCompression", package: "swift-nio-extras")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let protobufNames = Target.Dependency.product(name: "SwiftProtobufPluginLibrary", package: "swift-protobuf")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let serviceContext = Target.Dependency.product(name: "ServiceContextModule", package: "swift-service-context")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "servicekit",
    products: [
        .library(name: "ServiceKit", targets: ["ServiceKit"]),
        .library(name: "ServiceKitAuth", targets: ["ServiceKitAuth"]),
        .library(name: "ServiceKitCommand", targets: ["ServiceKitCommand"]),
        .library(name: "ServiceKitConfig", targets: ["ServiceKitConfig"]),
        .library(name: "ServiceKitConfigProvider", targets: ["ServiceKitConfigProvider"]),
        .library(name: "ServiceKitEtcd", targets: ["ServiceKitEtcd"]),
        .library(name: "ServiceKitGRPC", targets: ["ServiceKitGRPC"]),
        .library(name: "ServiceKitHTTP", targets: ["ServiceKitHTTP"]),
        .library(name: "ServiceKitHTTPClient", targets: ["ServiceKitHTTPClient"]),
        // Empty without the trait `Hummingbird`.
        .library(name: "ServiceKitHummingbird", targets: ["ServiceKitHummingbird"]),
        .library(name: "ServiceKitTesting", targets: ["ServiceKitTesting"]),
        .library(name: "EtcdClient", targets: ["EtcdClient"]),
        .library(name: "GRPCNghttp2Transport", targets: ["GRPCNghttp2Transport"]),
    ],
    traits: [
        .trait(
            name: "Hummingbird", description: "The module ServiceKitHummingbird, which mounts Hummingbird's routers."),
        .default(enabledTraits: []),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        // Without its traits: the one for YAML would link a second copy of libyaml's symbols.
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-service-context", from: "1.5.1"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        .systemLibrary(name: "CServiceKitNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .systemLibrary(name: "CServiceKitZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CServiceKitYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        .target(name: "ServiceKitConfig", dependencies: ["CServiceKitYAML"], swiftSettings: settings),
        .target(name: "ServiceKitConcurrency", swiftSettings: settings),
        .target(
            name: "ServiceKit",
            dependencies: [
                "ServiceKitConcurrency", "ServiceKitConfig", argumentParser, collections, deque, heap, lifecycle,
                logging, metrics, serviceContext, tracing, unixSignals,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "ServiceKitConfigProvider",
            dependencies: ["ServiceKit", "ServiceKitConfig", configuration],
            swiftSettings: settings
        ),
        .target(
            name: "ServiceKitHTTP2",
            dependencies: [
                "CServiceKitNghttp2", deque, logging, metrics, nio, nioHTTP1, nioPosix, nioSSL, nioTLS, nioWebSocket,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "GRPCNghttp2Transport",
            dependencies: ["CServiceKitZlib", "ServiceKitHTTP2", grpc, logging, nio, nioPosix, nioSSL],
            swiftSettings: settings
        ),
        .target(
            name: "EtcdClient",
            dependencies: [
                "GRPCNghttp2Transport", "ServiceKitConcurrency", deque, grpc, grpcProtobuf, logging, protobuf,
            ],
            exclude: ["Proto"],
            swiftSettings: settings
        ),
        .target(
            name: "ServiceKitEtcd",
            dependencies: [
                "EtcdClient", "ServiceKit", "ServiceKitConcurrency", "ServiceKitConfig", deque, logging,
            ],
            swiftSettings: settings
        ),
        .target(name: "ServiceKitProtobuf", dependencies: [protobuf], swiftSettings: settings),
        .target(
            name: "ServiceKitGRPC",
            dependencies: [
                "GRPCNghttp2Transport", "ServiceKitHTTP2", "ServiceKitProtobuf", "ServiceKit", "ServiceKitConcurrency",
                "ServiceKitConfig",
                grpc, grpcProtobuf, heap, lifecycle, logging, protobuf, serviceContext,
            ],
            exclude: ["Proto"],
            swiftSettings: settings
        ),
        .target(
            name: "ServiceKitAuth",
            dependencies: [
                "ServiceKit", "ServiceKitConcurrency", "ServiceKitConfig", "ServiceKitProtobuf", asn1, asyncHTTPClient,
                jwtKit, lifecycle, logging, nio, nioHTTP1, x509,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "ServiceKitHTTP",
            dependencies: [
                "GRPCNghttp2Transport", "ServiceKit", "ServiceKitConfig", "ServiceKitGRPC", "ServiceKitHTTP2",
                "ServiceKitProtobuf", grpc, httpTypes, nio, nioSSL, protobuf,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "ServiceKitHTTPClient",
            dependencies: [
                "GRPCNghttp2Transport", "ServiceKit", "ServiceKitConcurrency", "ServiceKitConfig", "ServiceKitGRPC",
                "ServiceKitHTTP2", asyncHTTPClient, grpc, httpTypes, lifecycle, logging, nio, nioHTTP1,
                nioHTTPCompression, nioPosix, nioSSL, protobuf,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "ServiceKitHummingbird",
            dependencies: ["ServiceKit", "ServiceKitHTTP", hummingbird, logging, nio, nioEmbedded],
            swiftSettings: testSettings
        ),
        .target(
            name: "ServiceKitTesting",
            dependencies: ["ServiceKit", "ServiceKitConcurrency", deque, heap, lifecycle, logging],
            swiftSettings: settings
        ),

        .target(
            name: "ServiceKitTemplates",
            path: "Templates",
            resources: [.copy("client"), .copy("proto"), .copy("rpc"), .copy("service")],
            swiftSettings: settings
        ),
        .target(
            name: "ServiceKitCommand",
            dependencies: [
                "GRPCNghttp2Transport", "ServiceKitProtobuf", "ServiceKit", "ServiceKitConcurrency",
                "ServiceKitConfig", "ServiceKitGRPC", "ServiceKitHTTPClient", "ServiceKitTemplates", argumentParser,
                grpc, grpcProtobuf, httpTypes, logging, mustache, protobuf, protobufNames, subprocess, unixSignals,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "servicekit-kit",
            dependencies: ["ServiceKitAuth", "ServiceKitCommand", "ServiceKitEtcd", "ServiceKitHTTP"],
            path: "cmd/kit",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "protoc-gen-servicekit",
            dependencies: ["ServiceKitCommand", protobufNames],
            path: "cmd/protoc-gen-servicekit",
            swiftSettings: settings
        ),
        .target(
            name: "ServiceKitSampleAPI",
            dependencies: ["ServiceKit", "ServiceKitGRPC", grpc, grpcProtobuf, protobuf],
            path: "cmd/user-api",
            exclude: ["user.proto"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "servicekit-user-server",
            dependencies: [
                "ServiceKit", "ServiceKitEtcd", "ServiceKitGRPC", "ServiceKitHTTP", "ServiceKitSampleAPI", grpc,
                logging,
                protobuf,
            ],
            path: "cmd/user-server",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "servicekit-user-client",
            dependencies: [
                "ServiceKit", "ServiceKitEtcd", "ServiceKitGRPC", "ServiceKitSampleAPI", argumentParser, grpc, logging,
                protobuf,
                unixSignals,
            ],
            path: "cmd/user-client",
            swiftSettings: settings
        ),

        .executableTarget(
            name: "servicekit-simulate",
            dependencies: ["ServiceKit", "ServiceKitTesting", argumentParser],
            path: "cmd/simulate",
            swiftSettings: settings
        ),

        .executableTarget(
            name: "servicekit-transport-soak",
            dependencies: [
                "GRPCNghttp2Transport", "ServiceKit", "ServiceKitGRPC", "ServiceKitHTTP2", argumentParser, grpc,
                logging,
                nio, nioEmbedded, nioPosix,
            ],
            path: "Tests/TransportSoak",
            swiftSettings: testSettings
        ),

        // Measured by the package in Benchmarks, which sees public declarations only.
        .executableTarget(
            name: "servicekit-json-bench",
            dependencies: ["ServiceKitProtobuf", protobuf],
            path: "Tests/JSONBench",
            exclude: ["shapes.proto"],
            swiftSettings: testSettings
        ),

        .target(
            name: "ServiceKitTestSupport",
            dependencies: ["ServiceKit", "ServiceKitTesting"],
            path: "Tests/TestSupport",
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ServiceKitConfigTests",
            dependencies: ["ServiceKitConfig", "ServiceKitTestSupport"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ServiceKitConfigProviderTests",
            dependencies: [
                "ServiceKit", "ServiceKitConfig", "ServiceKitConfigProvider", "ServiceKitTestSupport",
                "ServiceKitTesting",
                configuration, configurationTesting,
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ServiceKitTests",
            dependencies: [
                "ServiceKit", "ServiceKitConcurrency", "ServiceKitConfig", "ServiceKitTesting", "ServiceKitTestSupport",
                "servicekit-simulate", lifecycle, logging, metrics, metricsTesting, serviceContext, tracing,
                tracingTesting,
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ServiceKitHTTP2Tests",
            dependencies: ["ServiceKitHTTP2", "ServiceKitTestSupport", logging, nio, nioPosix],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "GRPCNghttp2TransportTests",
            dependencies: [
                "GRPCNghttp2Transport", "ServiceKit", "ServiceKitConfig", "ServiceKitGRPC", "ServiceKitHTTP2",
                "ServiceKitTesting", "ServiceKitTestSupport", grpc, grpcProtobuf, logging, metricsTesting, nio,
                nioEmbedded, nioPosix,
                nioSSL,
                protobuf,
            ],
            exclude: ["Interop/Python", "Interop/interop.proto", "RawFrames/Python"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "EtcdClientTests",
            dependencies: [
                "EtcdClient", "GRPCNghttp2Transport", "ServiceKit", "ServiceKitConcurrency", "ServiceKitTesting",
                "ServiceKitTestSupport", grpc, logging, protobuf,
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ServiceKitProtobufTests",
            dependencies: ["ServiceKitProtobuf", "ServiceKitTestSupport", protobuf],
            exclude: ["Kinds/kinds.proto", "Kinds/legacy.proto"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ServiceKitGRPCTests",
            dependencies: [
                "ServiceKit", "ServiceKitConcurrency", "ServiceKitConfig", "ServiceKitGRPC", "ServiceKitTesting",
                "GRPCNghttp2Transport", "ServiceKitProtobuf", "ServiceKitTestSupport", "ServiceKitSampleAPI", grpc,
                grpcInProcess, lifecycle, logging, metrics, metricsTesting, protobuf, serviceContext, tracing,
                tracingTesting,
            ],
            exclude: ["Python"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ServiceKitHTTPTests",
            dependencies: [
                "ServiceKit", "ServiceKitAuth", "ServiceKitConfig", "ServiceKitGRPC", "ServiceKitHTTP",
                "ServiceKitProtobuf", "ServiceKitSampleAPI", "ServiceKitTesting", "ServiceKitTestSupport", grpc,
                grpcProtobuf, httpTypes, logging, metricsTesting, protobuf, serviceContext, tracingTesting,
            ],
            exclude: [
                "Browser/Python", "Envoy/Cases", "Envoy/transcode.proto", "Peers/Python", "WebSocket/Python",
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ServiceKitHTTPClientTests",
            dependencies: [
                "ServiceKit", "ServiceKitConfig", "ServiceKitGRPC", "ServiceKitHTTP", "ServiceKitHTTPClient",
                "ServiceKitSampleAPI", "ServiceKitTesting", "ServiceKitTestSupport", grpc, httpTypes, protobuf,
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ServiceKitAuthTests",
            dependencies: [
                "ServiceKit", "ServiceKitAuth", "ServiceKitConcurrency", "ServiceKitConfig", "ServiceKitGRPC",
                "ServiceKitSampleAPI", "ServiceKitTesting", "ServiceKitTestSupport", grpc, jwtKit, logging, nio,
                nioPosix,
                serviceContext,
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "ServiceKitEtcdTests",
            dependencies: [
                "EtcdClient", "ServiceKit", "ServiceKitConcurrency", "ServiceKitConfig", "ServiceKitEtcd",
                "ServiceKitTesting", "ServiceKitTestSupport", logging,
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "KitTests",
            dependencies: [
                "ServiceKitAuth", "ServiceKitProtobuf", "ServiceKit", "ServiceKitConcurrency", "ServiceKitConfig",
                "ServiceKitGRPC", "ServiceKitHTTP",
                "ServiceKitTesting", "ServiceKitTemplates", "ServiceKitCommand", "ServiceKitEtcd",
                "ServiceKitTestSupport", "protoc-gen-servicekit", "servicekit-kit", argumentParser, grpc, logging,
                protobuf, protobufNames, subprocess,
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "ServiceKit", "ServiceKitConcurrency", "ServiceKitConfig", "ServiceKitEtcd", "ServiceKitGRPC",
                "ServiceKitProtobuf", "ServiceKitTesting", "ServiceKitTestSupport", "ServiceKitSampleAPI",
                "servicekit-kit", "servicekit-user-client", "servicekit-user-server", grpc, logging, protobuf,
            ],
            swiftSettings: testSettings
        ),
    ]
)
