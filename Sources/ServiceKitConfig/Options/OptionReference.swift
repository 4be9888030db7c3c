/// A commented YAML file with every option, its default and its meaning.
///
/// Every key is a comment: as it stands, the file is empty and changes nothing in the layers below.
package enum OptionReference {
    private static let width = 100

    /// The file.
    package static func yaml(of root: OptionDescription, title: String) -> String {
        var writer = Writer()
        writer.lines = [
            "# \(title): every option, with its meaning and its default.",
            "# To set an option, remove the # before its key, and before the sections around it. A change takes",
            "# effect at the next start, or at once where it says \"live\".",
        ]
        for section in root.options {
            writer.lines.append("")
            writer.add(section, indent: "")
        }
        return writer.lines.joined(separator: "\n") + "\n"
    }

    private struct Writer {
        var lines: [String] = []

        mutating func add(_ option: OptionDescription, indent: String) {
            if case .section(let options, _) = option.shape {
                lines.append("\(indent)#\(PlainScalar.yaml(option.key)):")
                for child in options { add(child, indent: indent + "  ") }
                return
            }
            wrap("\(option.help ?? option.shape.name)\(details(of: option))", after: "\(indent)# ")
            let value = option.defaultNode.map { flow($0) } ?? ""
            lines.append("\(indent)#\(PlainScalar.yaml(option.key)):\(value.isEmpty ? "" : " \(value)")")
        }

        /// The facts that the help does not say, in brackets.
        private func details(of option: OptionDescription) -> String {
            var details: [String] = []
            if case .choice(let values) = option.shape {
                let text = values.joined(separator: ", ")
                if !values.allSatisfy({ option.help?.contains("`\($0)`") == true }) { details.append("one of \(text)") }
            } else if option.defaultValue == nil, option.help != nil {
                details.append(option.shape.name)
            }
            if let bounds = option.bounds { details.append(bounds.text) }
            if option.isSecret { details.append("secret") }
            if option.isLive { details.append("live") }
            return details.isEmpty ? "" : " (\(details.joined(separator: "; ")))"
        }

        private mutating func wrap(_ text: String, after lead: String) {
            var line = lead
            for word in text.split(separator: " ") {
                if line.count > lead.count, line.count + word.count >= width {
                    lines.append(line)
                    line = lead
                }
                line += (line.count > lead.count ? " " : "") + word
            }
            lines.append(line)
        }

        private func flow(_ node: ConfigurationNode) -> String {
            switch node.content {
            case .scalar(let scalar):
                if scalar.isNull { return "" }
                return scalar.form == .quoted ? PlainScalar.yaml(Placeholder.escaped(scalar.text)) : scalar.text
            case .sequence(let elements):
                return "[\(elements.map(flow).joined(separator: ", "))]"
            case .mapping(let mapping):
                return
                    "{\(mapping.entries.map { "\(PlainScalar.yaml($0.key)): \(flow($0.value))" }.joined(separator: ", "))}"
            }
        }
    }
}
