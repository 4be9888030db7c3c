/// A form of the description of all options.
package enum ConfigurationForm: String, CaseIterable, Sendable {
    /// JSON Schema, draft 2020-12.
    case schema
    /// A commented YAML file.
    case reference
}

extension Configuration {
    /// Describes all that was registered or read. Without a service's name, sections that are not known are let pass.
    package func description(as form: ConfigurationForm, of service: String? = nil) throws -> String {
        let title = service.map { "The configuration of \($0)" } ?? "The configuration of a service"
        switch form {
        case .schema: return try ConfigurationSchema.json(of: optionTree, title: title, isClosed: service != nil)
        case .reference: return OptionReference.yaml(of: optionTree, title: title)
        }
    }
}
