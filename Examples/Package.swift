// swift-tools-version: 6.2
import PackageDescription

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let serviceContext = Target.Dependency.product(name: "ServiceContextModule", package: "swift-service-context")
let serviceKit = Target.Dependency.product(name: "ServiceKit", package: "servicekit")
let serviceKitCommand = Target.Dependency.product(name: "ServiceKitCommand", package: "servicekit")
let serviceKitConfig = Target.Dependency.product(name: "ServiceKitConfig", package: "servicekit")
let serviceKitEtcd = Target.Dependency.product(name: "ServiceKitEtcd", package: "servicekit")
let serviceKitTesting = Target.Dependency.product(name: "ServiceKitTesting", package: "servicekit")

// The plugins of a team, as a package outside of ServiceKit has them.
let package = Package(
    name: "acme-servicekit",
    platforms: [.macOS(.v15)],
    products: [.library(name: "AcmeServiceKit", targets: ["AcmeServiceKit"])],
    dependencies: [
        .package(name: "servicekit", path: ".."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-service-context", from: "1.5.1"),
    ],
    targets: [
        .target(name: "AcmeServiceKit", dependencies: [logging, serviceContext, serviceKit, serviceKitConfig]),
        .executableTarget(name: "kit", dependencies: ["AcmeServiceKit", serviceKitCommand, serviceKitEtcd]),
        .testTarget(
            name: "AcmeServiceKitTests",
            dependencies: [
                "AcmeServiceKit", "kit", logging, serviceContext, serviceKit, serviceKitConfig, serviceKitTesting,
            ]
        ),
    ]
)
