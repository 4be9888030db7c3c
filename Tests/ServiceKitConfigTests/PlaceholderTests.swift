import ServiceKitConfig
import Testing

/// `${NAME}` in files. A later version will give it a meaning.
@Suite struct PlaceholderTests {
    @Test(arguments: [
        ("app: {name: \"${NAME}\"}", "1:13", "app.name", "KIT_APP__NAME"),
        ("app:\n  id: user-${HOST:local}-1", "2:7", "app.id", "KIT_APP__ID"),
        ("app: {max-message: '${x.y}'}", "1:20", "app.max-message", "KIT_APP__MAX_MESSAGE"),
        ("a: |\n  line\n  ${X}", "1:4", "a", "KIT_A"),
        ("a: !!str ${X}", "1:4", "a", "KIT_A"),
        ("a: $$${X} ${Y}", "1:4", "a", "KIT_A"),
        ("a: ${", "1:4", "a", "KIT_A"),
        ("etcd:\n  endpoints:\n    - \"${E}\"", "3:7", "etcd.endpoints[0]", "KIT_ETCD__ENDPOINTS"),
        ("a: {/x.Y/Z: \"${T}\"}", "1:13", "a./x.Y/Z", "the environment"),
    ])
    func placeholdersAreRefused(yaml: String, place: String, keyPath: String, variable: String) {
        #expect(
            parseError(yaml)
                == "app.yaml:\(place): \(keyPath): placeholders such as ${NAME} are not supported yet; write the value, or "
                + "leave the key out and set it by \(variable); for the text ${ itself write $${"
        )
    }

    @Test func placeholderInAFileIsRefusedEvenIfOverridden() throws {
        try withTemporaryDirectory { directory in
            let file = "\(directory)/a.yaml"
            try write("app:\n  name: ${NAME}\n", to: file)
            let text = errorText { _ = try Configuration.load(files: [file], environment: ["KIT_APP__NAME": "a"]) }
            #expect(text.hasPrefix("\(file):2:9: app.name: placeholders"))
        }
    }

    @Test(arguments: [
        ("$${NAME}", "${NAME}"), ("a$${b}$${c", "a${b}${c"), ("$$${x}", "$${x}"),
        ("$x $ {y} $$ }{ $", "$x $ {y} $$ }{ $"),
        ("'$${'", "${"),
    ])
    func theTextItselfIsEscaped(value: String, text: String) throws {
        #expect(try decodeValue(String.self, value) == text)
        let yaml = "x: &x \(value)\nv: *x"
        #expect(try Configuration(yaml: yaml).decode(String.self, at: "v") == text)
    }

    @Test(arguments: ["${NAME}", "a${b", "$${c}"]) func variablesAndOptionsAreLiteral(value: String) throws {
        #expect(try layered(["KIT_V": value]).decode(String.self, at: "v") == value)
        #expect(try layered([:], ["v=\(value)"]).decode(String.self, at: "v") == value)
    }

    @Test func keysAndCommentsAreLeftAlone() throws {
        let configuration = try Configuration(yaml: "# ${X}\nm: {\"${K}\": 1}", origin: "app.yaml")
        #expect(try configuration.decode([String: Int].self, at: "m") == ["${K}": 1])
    }

    @Test func aFileIsReadWithAllOfThem() throws {
        try withTemporaryDirectory { directory in
            let file = "\(directory)/a.yaml"
            try write("a: &a ${A}\nb: [1, \"${B}\"]\nc: *a\nd: 1\n", to: file)
            let (configuration, errors) = try Configuration.reading(file: file)
            #expect(errors.map { $0.location?.line } == [1, 2])
            #expect(try configuration.decode(Int.self, at: "d") == 1)
        }
    }
}
