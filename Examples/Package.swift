// swift-tools-version: 6.2
import PackageDescription

let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let serviceContext = Target.Dependency.product(name: "ServiceContextModule", package: "swift-service-context")
let serviceKit = Target.Dependency.product(name: "ServiceKit", package: "servicekit")
let serviceKitCommand = Target.Dependency.product(name: "ServiceKitCommand", package: "servicekit")
let serviceKitConfig = Target.Dependency.product(name: "ServiceKitConfig", package: "servicekit")
let serviceKitEtcd = Target.Dependency.product(name: "ServiceKitEtcd", package: "servicekit")
let serviceKitHTTP = Target.Dependency.product(name: "ServiceKitHTTP", package: "servicekit")
let serviceKitHummingbird = Target.Dependency.product(name: "ServiceKitHummingbird", package: "servicekit")
let serviceKitTesting = Target.Dependency.product(name: "ServiceKitTesting", package: "servicekit")

// The plugins of a team, as a package outside of ServiceKit has them.
let package = Package(
    name: "acme-servicekit",
    platforms: [.macOS(.v15)],
    products: [.library(name: "AcmeServiceKit", targets: ["AcmeServiceKit"])],
    dependencies: [
        .package(name: "servicekit", path: "..", traits: ["Hummingbird"]),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-service-context", from: "1.5.1"),
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
    ]
)
