import Foundation
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitConcurrency

extension Check {
    /// What a service needs that is configured so.
    static func service(_ configuration: Configuration) -> [Check] {
        var checks = [
            Check("configuration") { Self.configuration(ConfigurationCheck(configuration)) },
            Check("registry") { await registry(configuration) },
        ]
        if (try? RegistryOptions(configuration).backend) == FileRegistry.name {
            checks.append(Check("registry directory") { directory(configuration) })
        }
        for name in configuration.keys(at: "server") where configuration.contains("server.\(name).listen") {
            checks.append(Check("port of \(name)") { port(configuration, key: "server.\(name).listen") })
        }
        return checks
    }

    static func configuration(_ check: ConfigurationCheck) -> Finding {
        guard let first = check.errors.first else { return .good("no mistakes") }
        let rest = check.errors.count > 1 ? ", and \(check.errors.count - 1) more" : ""
        return .bad("\(first)\(rest)", remedy: "kit config check shows every mistake and its line")
    }

    /// How long a registry may take to answer.
    private static let registryLimit = Duration.seconds(10)

    private static func registry(_ configuration: Configuration) async -> Finding {
        let name = (try? RegistryOptions(configuration).backend) ?? "?"
        do {
            let registry = try RegistryBackends(plugins: .linked).make(configuration: configuration, logger: .silent)
            try await withTimeLimit(registryLimit) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await registry.run() }
                    // No service has this name, and asking shows whether there is an answer.
                    _ = try await registry.instances(of: "kit-doctor")
                    group.cancelAll()
                }
            }
            return .good("\(name) answers")
        } catch is TimeLimitExceeded {
            return .bad("\(name) did not answer within \(registryLimit)", remedy: remedy(for: name))
        } catch {
            return .bad("\(error)", remedy: remedy(for: name))
        }
    }

    private static func remedy(for backend: String) -> String {
        backend == FileRegistry.name
            ? "set registry.file.directory to a directory of yours"
            : "start it, or correct registry.\(backend) in the configuration; registry.backend=file needs no server"
    }

    /// Whether instances can be written.
    private static func directory(_ configuration: Configuration) -> Finding {
        guard let options = try? configuration.decode(FileRegistry.Options.self, at: "registry.file") else {
            return .bad("registry.file cannot be read")
        }
        let directory = FileRegistry(directory: options.directory, logger: .silent).directory
        var existing = directory
        while !FileManager.default.fileExists(atPath: existing), existing.count > 1 {
            existing = URL(filePath: existing).deletingLastPathComponent().path(percentEncoded: false)
            while existing.count > 1, existing.hasSuffix("/") { existing.removeLast() }
        }
        guard FileManager.default.isWritableFile(atPath: existing) else {
            return .bad(
                "\(directory) cannot be written: \(existing) belongs to others",
                remedy: "set registry.file.directory to a directory of yours"
            )
        }
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: existing, isDirectory: &isDirectory), isDirectory.boolValue else {
            return .bad(
                "\(existing) is a file",
                remedy: "remove it, or set registry.file.directory to another directory"
            )
        }
        return .good(directory)
    }

    private static func port(_ configuration: Configuration, key: String) -> Finding {
        do {
            let address = try configuration.decode(ListenAddress.self, at: key)
            guard let failure = address.bindingFailure else { return .good("\(address) is free") }
            return .bad(
                "\(address) cannot be listened on: \(failure)",
                remedy: "end what listens there, or set \(key) to another address; port 0 is any free one"
            )
        } catch {
            return .bad("\(error)")
        }
    }
}
