import Foundation
import ServiceKitTestSupport
import Testing

@testable import ServiceKitCommand

/// Lets the compiler check the sources of a package against the modules of the tests. It builds no code, so it takes
/// seconds.
struct TypeCheck {
    /// The directory of the modules.
    private static let modules = URL(filePath: RunningProgram.path(ofProduct: "servicekit-kit"))
        .deletingLastPathComponent()
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Whether the build has its modules in that directory.
    static var isPossible: Bool {
        FileManager.default.fileExists(atPath: modules.appending(path: "Modules/ServiceKitGRPC.swiftmodule").path)
    }

    let package: ServicePackage

    /// The compiler's diagnostics of the API targets, and of the other targets, which import them.
    func diagnostics() async throws -> [String] {
        let output = try TemporaryDirectory()
        var left = package.apiTargets
        var diagnostics: [String] = []
        // Some APIs import others.
        while !left.isEmpty {
            var failed: [String] = []
            diagnostics = []
            for target in left {
                let found = try await check(
                    target, ["-emit-module", "-o", output.path("\(target).swiftmodule")], output)
                diagnostics += found
                if found.contains(where: { $0.contains("error:") }) { failed.append(target) }
            }
            if failed.count == left.count { return diagnostics }
            left = failed
        }
        for target in try FileManager.default.contentsOfDirectory(atPath: package.path("Sources"))
        where !target.hasSuffix("API") {
            diagnostics += try await check(target, ["-typecheck", "-parse-as-library"], output)
        }
        return diagnostics
    }

    private func check(_ target: String, _ mode: [String], _ output: TemporaryDirectory) async throws -> [String] {
        let features = ["ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility"]
        let systemLibraries = ["CServiceKitNghttp2", "CServiceKitYAML", "CServiceKitZlib"].map {
            Self.root.appending(path: "Sources/\($0)").path
        }
        var arguments = mode + ["-module-name", target, "-swift-version", "6"]
        arguments += features.flatMap { ["-enable-upcoming-feature", $0] }
        arguments += ([Self.modules.appending(path: "Modules").path, output.path] + systemLibraries).flatMap {
            ["-I", $0]
        }
        arguments += Self.moduleMaps.flatMap { ["-Xcc", "-fmodule-map-file=\($0)"] }
        arguments += ["-module-cache-path", Self.modules.appending(path: "ModuleCache").path]
        arguments += try package.swiftFiles(in: "Sources/\(target)").map { package.path($0) }
        let outcome = try await ToolRun(program: "swiftc", arguments: arguments, limit: .seconds(120))()
        let lines = outcome.errors.split(separator: "\n").map(String.init)
        let found = lines.filter { $0.hasPrefix("/") && ($0.contains("error:") || $0.contains("warning:")) }
        return outcome.isSuccess || !found.isEmpty ? found : ["error: \(outcome.errors)"]
    }

    /// The modules of the dependencies' C code.
    private static var moduleMaps: [String] {
        let manager = FileManager.default
        let built = (try? manager.contentsOfDirectory(atPath: modules.path)) ?? []
        var maps = built.filter { $0.hasSuffix(".build") && !$0.hasSuffix("-tool.build") }
            .map { modules.appending(path: "\($0)/module.modulemap").path }
        let checkouts = modules.deletingLastPathComponent().deletingLastPathComponent().appending(path: "checkouts")
        for checkout in (try? manager.contentsOfDirectory(atPath: checkouts.path)) ?? [] {
            let sources = checkouts.appending(path: "\(checkout)/Sources")
            for target in (try? manager.contentsOfDirectory(atPath: sources.path)) ?? [] {
                maps.append(sources.appending(path: "\(target)/include/module.modulemap").path)
            }
        }
        return maps.filter { manager.fileExists(atPath: $0) }.sorted()
    }
}
