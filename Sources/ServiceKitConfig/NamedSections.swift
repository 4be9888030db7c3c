/// Sections by name, each of which another type decodes later: the options of plugins.
///
/// As a property of a section it makes the keys below it legitimate, and reads none of them.
package struct NamedSections: ConfigurationSection, Hashable {
    package init() {}

    package init(from decoder: any Decoder) throws {
        // To ask for the keys is to know them.
        _ = try decoder.container(keyedBy: Name.self).allKeys
    }

    package func encode(to encoder: any Encoder) throws {
        _ = encoder.container(keyedBy: Name.self)
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
