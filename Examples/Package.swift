// swift-tools-version: 6.2
import PackageDescription

let etcdClient = Target.Dependency.product(name: "EtcdClient", package: "servicekit")
let grpc = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")
let grpcProtobuf = Target.Dependency.product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nghttp2Transport = Target.Dependency.product(name: "GRPCNghttp2Transport", package: "servicekit")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let serviceContext = Target.Dependency.product(name: "ServiceContextModule", package: "swift-service-context")
let serviceKit = Target.Dependency.product(name: "ServiceKit", package: "servicekit")
let serviceKitCommand = Target.Dependency.product(name: "ServiceKitCommand", package: "servicekit")
let serviceKitConfig = Target.Dependency.product(name: "ServiceKitConfig", package: "servicekit")
let serviceKitEtcd = Target.Dependency.product(name: "ServiceKitEtcd", package: "servicekit")
let serviceKitGRPC = Target.Dependency.product(name: "ServiceKitGRPC", package: "servicekit")
let serviceKitHTTP = Target.Dependency.product(name: "ServiceKitHTTP", package: "servicekit")
let serviceKitHummingbird = Target.Dependency.product(name: "ServiceKitHummingbird", package: "servicekit")
let serviceKitTesting = Target.Dependency.product(name: "ServiceKitTesting", package: "servicekit")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// The code of a .proto file.
func api(_ name: String, excluding proto: String) -> Target {
    .target(
        name: name,
        dependencies: [grpc, grpcProtobuf, protobuf, serviceKit, serviceKitGRPC],
        exclude: [proto],
        swiftSettings: settings
    )
}

// The plugins of a team, as a package outside of ServiceKit has them.
let package = Package(
    name: "acme-servicekit",
    platforms: [.macOS(.v15)],
    products: [.library(name: "AcmeServiceKit", targets: ["AcmeServiceKit"])],
    dependencies: [
        .package(name: "servicekit", path: "..", traits: ["Hummingbird"]),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-service-context", from: "1.5.1"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "AcmeServiceKit", dependencies: [logging, serviceContext, serviceKit, serviceKitConfig]),
        .executableTarget(name: "kit", dependencies: ["AcmeServiceKit", serviceKitCommand, serviceKitEtcd]),
        .executableTarget(
            name: "pages",
            dependencies: [hummingbird, serviceKit, serviceKitHTTP, serviceKitHummingbird]
        ),
        .testTarget(
            name: "PagesTests",
            dependencies: ["pages", hummingbird, serviceKit, serviceKitConfig, serviceKitHTTP, serviceKitTesting]
        ),
        .testTarget(
            name: "AcmeServiceKitTests",
            dependencies: [
                "AcmeServiceKit", "kit", logging, serviceContext, serviceKit, serviceKitConfig, serviceKitTesting,
            ]
        ),
        // A service and a client, as small as they can be.
        api("HelloAPI", excluding: "hello.proto"),
        .executableTarget(
            name: "hello",
            dependencies: ["HelloAPI", grpc, serviceKit, serviceKitGRPC, serviceKitHTTP]
        ),
        .executableTarget(
            name: "hello-client",
            dependencies: ["HelloAPI", serviceKit, serviceKitConfig, serviceKitGRPC]
        ),
        // Instances of a branch beside those of the main line.
        api("LanesAPI", excluding: "lanes.proto"),
        .executableTarget(
            name: "lanes",
            dependencies: ["LanesAPI", grpc, serviceKit, serviceKitConfig, serviceKitGRPC]
        ),
        // A page that calls a service.
        api("GuestbookAPI", excluding: "guestbook.proto"),
        .executableTarget(
            name: "browser",
            dependencies: ["GuestbookAPI", grpc, serviceKit, serviceKitGRPC, serviceKitHTTP],
            resources: [.copy("public")]
        ),
        // A job that one of several instances runs.
        .executableTarget(
            name: "leader",
            dependencies: [etcdClient, lifecycle, serviceKit]
        ),
        .testTarget(
            name: "DemoTests",
            dependencies: ["browser", "hello", "hello-client", "lanes", "leader", serviceKitTesting]
        ),
        // The tutorial of docs/guide.
        .target(
            name: "TutorialAPI",
            dependencies: [grpc, grpcProtobuf, protobuf, serviceKit, serviceKitGRPC],
            path: "tutorial/proto",
            exclude: ["user.proto"],
            swiftSettings: settings
        ),
        .target(
            name: "TutorialRegistry",
            dependencies: [etcdClient],
            path: "tutorial/registry",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "tutorial-server",
            dependencies: [
                "TutorialAPI", "TutorialRegistry", etcdClient, grpc, nghttp2Transport, protobuf, unixSignals,
            ],
            path: "tutorial/server",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "tutorial-client",
            dependencies: [
                "TutorialAPI", "TutorialRegistry", etcdClient, grpc, nghttp2Transport, protobuf, serviceKit,
                serviceKitConfig, serviceKitEtcd, serviceKitGRPC,
            ],
            path: "tutorial/client",
            swiftSettings: settings
        ),
        .testTarget(
            name: "TutorialTests",
            dependencies: ["TutorialRegistry", etcdClient, serviceKitTesting],
            swiftSettings: settings
        ),
    ]
)
