import Foundation
import Logging
import ServiceKit
import ServiceKitConfig
import ServiceKitConcurrency

extension Check {
    /// The needs of a service with this configuration.
    static func service(_ configuration: Configuration, plugins: [Plugin]) -> [Check] {
        var checks = [
            Check(
                "configuration", blocking: { Self.configuration(ConfigurationCheck(configuration, plugins: plugins)) }),
            Check("registry") { await registry(configuration, plugins) },
        ]
        if registryOptions(of: configuration, plugins).backend == FileRegistry.name {
            checks.append(Check("registry directory", blocking: { directory(configuration) }))
        }
        if configuration.contains("server.listen") {
            checks.append(Check("port of the servers", blocking: { port(configuration, key: "server.listen") }))
        }
        for name in configuration.keys(at: "server") where configuration.contains("server.\(name).listen") {
            checks.append(Check("port of \(name)", blocking: { port(configuration, key: "server.\(name).listen") }))
        }
        return checks
    }

    static func configuration(_ check: ConfigurationCheck) -> Finding {
        guard let first = check.errors.first else { return .good("no mistakes") }
        let rest = check.errors.count > 1 ? ", and \(check.errors.count - 1) more" : ""
        return .bad("\(first)\(rest)", remedy: "kit config check shows every mistake and its line")
    }

    private static func registryOptions(of configuration: Configuration, _ plugins: [Plugin]) -> RegistryOptions {
        (try? RegistryOptions(configuration, backends: RegistryBackends(plugins: plugins))) ?? RegistryOptions()
    }

    /// How long a registry may take to answer.
    private static let registryLimit = Duration.seconds(10)

    /// Makes the same requests as the service: a user of the registry may have no other rights.
    private static func registry(_ configuration: Configuration, _ plugins: [Plugin]) async -> Finding {
        let options = registryOptions(of: configuration, plugins)
        let name = options.backend
        let service = try? configuration.decodeIfPresent(String.self, at: "app.name")
        let registers = options.registration != .none
        do {
            let registry = try RegistryBackends(plugins: plugins).make(configuration: configuration, logger: .silent)
            try await withTimeLimit(registryLimit) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await registry.run() }
                    defer { group.cancelAll() }
                    try await registry.checkAccess(
                        to: service ?? unnamedService, registering: registers && service != nil)
                }
            }
            guard let service else { return .good("\(name) answers") }
            return .good("\(name) answers; \(service) can \(registers ? "register" : "be looked up")")
        } catch {
            let cause = error is TimeLimitExceeded ? "\(name) did not answer within \(registryLimit)" : "\(error)"
            let code = (error as? RegistryError)?.code
            if code == .permissionDenied, name != FileRegistry.name, service == nil {
                return .warning(
                    "\(name) answers, but permits this user only some services; set app.name to test the right one",
                    remedy: "kit doctor --set app.name=NAME"
                )
            }
            let finding = Finding.bad(cause, remedy: remedy(for: name, code))
            // A service that is not registered needs the registry only for its calls to other services.
            return registers ? finding : .warning("not registered here; \(cause)", remedy: finding.remedy)
        }
    }

    /// The service to look up if the configuration names none.
    private static let unnamedService = "kit-doctor"

    private static func remedy(for backend: String, _ code: RegistryError.Code?) -> String {
        if backend == FileRegistry.name { return "set registry.file.directory to a directory of yours" }
        switch code {
        case .permissionDenied?:
            return "it answers: have its administrator grant the rights named above, or set "
                + "registry.\(backend).username to another user"
        case .unauthenticated?:
            return "it answers: correct registry.\(backend).username and the password (password-file, or "
                + "KIT_REGISTRY__\(backend.uppercased())__PASSWORD)"
        default:
            return
                "start it, or correct registry.\(backend) in the configuration; registry.backend=file needs no server"
        }
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
                remedy: "end the process that listens there, or set \(key) to another address; port 0 is any free one"
            )
        } catch {
            return .bad("\(error)")
        }
    }
}
