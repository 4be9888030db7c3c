import FoundationEssentials
import Mustache
import ServiceKit
import ServiceKitTemplates
import SwiftProtobufPluginLibrary

/// A template: files whose paths and texts are rendered with names.
struct Template {
    private static let suffix = ".mustache"

    private let files: [(path: String, text: String)]

    /// Reads a template that is installed with the program: `service`, `rpc` or `client`. Throws `CommandFailure` when
    /// it is missing.
    init(_ name: String) throws {
        guard let root = Templates.folder(name) else {
            throw CommandFailure(
                "the templates are not beside this program, where \(Templates.bundleName) belongs; install kit again: "
                    + "make install"
            )
        }
        do {
            let manager = FileManager.default
            files = try manager.subpathsOfDirectory(atPath: root).filter { $0.hasSuffix(Self.suffix) }.sorted().map {
                path in
                let data = try Data(contentsOf: URL(filePath: "\(root)/\(path)"))
                return (String(path.dropLast(Self.suffix.count)), String(decoding: data, as: UTF8.self))
            }
        } catch {
            throw CommandFailure("the templates in \(root) cannot be read: \(error)")
        }
    }

    /// Renders the files with the values of the template's variables. Throws a parser's error when a template is wrong.
    func render(_ values: [String: Any]) throws -> FileTree {
        FileTree(
            try files.map { path, text in
                FileTree.File(
                    path: try MustacheTemplate(string: path).render(values),
                    bytes: Array(try Self.rendered(text, values).utf8)
                )
            }
        )
    }
}

extension Template {
    /// The characters after two braces in tags that concern more than their own line.
    private static let wideTags = Array("#^/!><$=".utf8)

    /// Whether there is a tag; if kinds are given, only of these.
    private static func hasTag(_ text: Substring, _ kinds: [UInt8] = []) -> Bool {
        // Compares bytes: comparing characters would take most of the time.
        let brace = UInt8(ascii: "{")
        var braces = 0
        for byte in text.utf8 {
            if braces >= 2, kinds.isEmpty || kinds.contains(byte) { return true }
            braces = byte == brace ? braces + 1 : 0
        }
        return false
    }

    /// Renders a text, line by line where possible: the parser's time grows with the square of the length, and
    /// generated code is long.
    private static func rendered(_ text: String, _ values: [String: Any]) throws -> String {
        if hasTag(text[...], wideTags) { return try MustacheTemplate(string: text).render(values) }
        var result = ""
        var rest = text[...]
        while let end = rest.firstIndex(of: "\n") {
            // With the line's end, since the parser refuses a line that ends with a brace.
            let line = rest[...end]
            result += hasTag(line) ? try MustacheTemplate(string: String(line)).render(values) : String(line)
            rest = rest[rest.index(after: end)...]
        }
        return result + (try MustacheTemplate(string: String(rest)).render(values))
    }
}

struct NewService: Hashable, Sendable {
    let name: ServiceName
    /// The registry in its configuration.
    var registry = "file"
    let kit: KitSource

    func render() throws -> FileTree {
        let tree = try Template("service").render(templateValues)
        return FileTree(
            try tree.files.map { file in
                guard file.path.hasSuffix(DescriptorsFile.suffix) else { return file }
                // The template holds text; this builds the binary descriptors for reflection.
                let descriptors = try DescriptorsFile(
                    proto: "\(name.proto).proto",
                    text: String(decoding: file.bytes, as: UTF8.self)
                )
                return FileTree.File(path: file.path, bytes: Array(descriptors.text.utf8))
            }
        )
    }

    private var templateValues: [String: Any] {
        let property = NamingUtils.toLowerCamelCase(name.entities.snake)
        var isCheckout = false
        if case .checkout = kit { isCheckout = true }
        return [
            "name": name.executable,
            "target": name.target,
            "service": name.service,
            "package": name.package.description,
            "prefix": name.package.typePrefix,
            "descriptor": name.package.descriptor(of: name.service),
            "proto": name.proto,
            "path": name.path,
            "entity": name.entity.upperCamel,
            "entities": name.entities.upperCamel,
            "variable": name.entity.lowerCamel,
            "variables": name.entities.lowerCamel,
            "constant": name.entity.constant,
            "phrase": name.entity.phrase,
            "phrases": name.entities.phrase,
            "Phrases": Words.capitalized(name.entities.phrase),
            "a": English.article(name.entity.phrase),
            "A": Words.capitalized(English.article(name.entity.phrase)),
            "field": name.entities.snake,
            "property": property,
            "jsonField": name.entities.lowerCamel,
            "descriptors": DescriptorsFile.constant(of: "\(name.proto).proto"),
            // swift-protobuf encodes a field's name differently if its JSON name differs.
            "fieldOpcode": name.entities.words.count > 1 ? "\\u{3}" : "\\u{1}",
            "registry": registry,
            "kitDependency": kit.dependency,
            "kitPackage": kit.packageName,
            "isCheckout": isCheckout,
        ]
    }
}
