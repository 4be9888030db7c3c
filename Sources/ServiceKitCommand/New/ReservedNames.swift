/// Names that a service cannot have, because its language, its code or its dependencies use them.
enum ReservedNames {
    /// Whether a name is a keyword of Swift, even if only in some places.
    static func isKeyword(_ name: String) -> Bool {
        SwiftWords.all.contains(name)
            || ["actor", "any", "async", "await", "macro", "open", "package", "some"].contains(name)
    }

    /// Whether a name is a type that the code of every service uses.
    static func isType(_ name: String) -> Bool { types.contains(name) }

    /// Whether a name is a module in the package graph of every service. Case does not count: files are named after
    /// modules, and some file systems ignore case.
    static func isModule(_ name: String) -> Bool {
        let name = name.lowercased()
        return modules.contains(name) || modulePrefixes.contains { name.hasPrefix($0) }
    }

    /// Whether a name is a package in the package graph of every service.
    static func isPackage(_ name: String) -> Bool {
        packagePrefixes.contains { name.hasPrefix($0) } || ["kit", "servicekit", "swift"].contains(name)
    }

    private static let types: Set<String> = [
        "App", "Bool", "Configuration", "Int", "Int32", "Int64", "Main", "MemoryRegistry", "Mutex", "Never", "Protocol",
        "RPCError", "Self", "Sendable", "ServerContext", "ServiceError", "String", "Suite", "Test", "Type", "Void",
    ]

    private static let modules: Set<String> = [
        "argumentparser", "asyncalgorithms", "asyncsequencevalidation", "asyncstreaming", "atomics",
        "cgrpcprotobuf", "clibrary", "concurrencyhelpers", "coremetrics", "csystem", "dequemodule", "dispatch",
        "etcdclient", "foundation", "foundationessentials", "foundationnetworking", "glibc", "grpccodegen",
        "grpccore", "grpcinprocesstransport", "grpcnghttp2transport", "grpcprotobuf", "grpcprotobufcodegen",
        "hashtreecollections", "inmemorylogging", "inmemorytracing", "instrumentation",
        "instrumentationbaggage", "logging", "metrics", "metricstestkit", "musl", "mustache", "observation",
        "protoc", "protoc-gen-servicekit", "regexbuilder", "servicecontextmodule", "servicelifecycle",
        "servicelifecycletestkit",
        "servicetemplates", "subprocess", "swift", "swiftprotobuf", "swiftprotobufpluginlibrary",
        "synchronization", "systempackage", "testing", "tracing", "unixsignals", "xctest",
    ]
    private static let modulePrefixes = ["_", "cnio", "cservicekit", "nio", "servicekit"]
    private static let packagePrefixes = ["grpc-swift", "swift-"]
}
