/// A section that a plugin of the kit reads: what errors and tools say of it where the plugin may be missing.
package struct PluginReading: Hashable, Sendable {
    /// The path of the section.
    package let path: String
    /// The plugin, as a main writes it.
    package let plugin: String
    /// The module that has the plugin.
    package let module: String

    /// The sections of servers that plugins read.
    package static let servers = [
        PluginReading(path: "server.auth", plugin: ".auth", module: "ServiceKitAuth"),
        PluginReading(path: "server.http", plugin: ".http", module: "ServiceKitHTTP"),
    ]

    /// The message for a section that no module of this program reads; `nil` for a section of no plugin.
    static func message(forUnknown path: String) -> String? {
        servers.first { $0.path == path }.map {
            "unknown key; the plugin \($0.plugin) of \($0.module), which reads it, is not linked into this program; "
                + "write App.run(plugins: [\($0.plugin)])"
        }
    }
}
