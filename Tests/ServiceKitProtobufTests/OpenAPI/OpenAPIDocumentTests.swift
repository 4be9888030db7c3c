import SwiftProtobuf
import Testing

@testable import ServiceKitProtobuf

/// The document of a shop.
@Suite struct OpenAPIDocumentTests {
    private let document: JSONValue

    init() throws {
        document = try OpenAPISamples.document()
    }

    @Test func everyRuleHasItsOperation() throws {
        let operations = document.at("paths").names.flatMap { path in
            document.at("paths", path).names.map { "\($0) \(path)" }
        }
        #expect(
            operations == [
                "get /v1/items/{id}", "patch /v1/items/{id}", "get /v1/shelves/{name.1}/items/{name.2}:find",
                "post /v1/items/{id}:get", "get /v1/items", "put /v1/files/{data}", "post /shop.v1.Shop/Count",
            ])
        let get = document.at("paths", "/v1/items/{id}", "get")
        #expect(get.at("operationId") == "Shop_GetItem")
        #expect(document.at("paths", "/v1/items/{id}:get", "post", "operationId") == "Shop_GetItem_3")
        #expect(get.at("tags") == ["shop.v1.Shop"])
    }

    @Test func commentsDescribe() {
        let get = document.at("paths", "/v1/items/{id}", "get")
        #expect(get.at("summary") == "One item.")
        #expect(get.at("description") == "One item.\n\nNOT_FOUND when there is none.")
        let count = document.at("paths", "/shop.v1.Shop/Count", "post")
        #expect(count.at("summary") == "How many <b>items</b> there are.")
        #expect(count["description"] == nil)
        #expect(document.at("tags", "0", "description") == "Things to buy.\n\nAnd more.")
        #expect(document.at("components", "schemas", "shop.v1.Item", "description") == "A thing.")
        #expect(document.at("components", "schemas", "shop.v1.Color", "description") == "- `RED`: Like fire.")
        #expect(document.at("info") == ["title": "Shop", "version": "1.2"])
    }

    @Test func queryHasTheFieldsThatTextCanGive() {
        let parameters = document.at("paths", "/v1/items", "get", "parameters").elements
        #expect(parameters.map { $0.at("name") } == ["pageSize", "tags", "labels", "filter.color"])
        #expect(
            parameters[0] == [
                "name": "pageSize", "in": "query", "description": "How many at most.",
                "schema": ["type": "integer", "format": "int32", "maximum": 100, "minimum": 0],
            ])
        #expect(parameters[1].at("schema") == ["type": "array", "items": ["type": "string"]])
        #expect(parameters[2].at("style") == "deepObject")
        #expect(parameters[3].at("schema", "$ref") == "#/components/schemas/shop.v1.Color")
    }

    @Test func namesOfTheProtoFileAreAnOption() throws {
        var options = JSONOptions()
        options.usesProtoNames = true
        let document = try OpenAPISamples.document(options)
        #expect(document.at("paths", "/v1/items", "get", "parameters", "0", "name") == "page_size")
    }

    @Test func variablesArePathParameters() {
        let get = document.at("paths", "/v1/items/{id}", "get", "parameters").elements
        #expect(get.map { [$0.at("name"), $0.at("in")] } == [["id", "path"], ["name", "query"]])
        #expect(get[0].at("schema", "format") == "int64")
        // The path of another method has the same shape, so its variable has the name of the first.
        let patch = document.at("paths", "/v1/items/{id}", "patch", "parameters").elements
        #expect(patch.map { [$0.at("name"), $0.at("in")] } == [["id", "path"], ["force", "query"]])
        let parts = document.at("paths", "/v1/shelves/{name.1}/items/{name.2}:find", "get", "parameters").elements
        #expect(parts.map { $0.at("name") } == ["name.1", "name.2", "id"])
        #expect(parts[1].at("description") == "a part of `name`, which is `shelves/*/items/*`")
    }

    @Test func bodiesAreThoseOfTheRule() {
        func schema(_ value: JSONValue, _ type: String = "application/json") -> JSONValue {
            value.at("content", type, "schema")
        }
        let patch = document.at("paths", "/v1/items/{id}", "patch")
        #expect(schema(patch.at("requestBody")) == ["$ref": "#/components/schemas/shop.v1.Item"])
        #expect(schema(patch.at("responses", "200")) == ["$ref": "#/components/schemas/shop.v1.Item"])
        #expect(patch.at("deprecated") == true)
        // The path has the id already.
        let post = document.at("paths", "/v1/items/{id}:get", "post")
        #expect(schema(post.at("requestBody")) == ["type": "object", "properties": ["name": ["type": "string"]]])
        #expect(document.at("paths", "/v1/items/{id}", "get")["requestBody"] == nil)
        let put = document.at("paths", "/v1/files/{data}", "put")
        #expect(put.at("requestBody", "content") == ["*/*": [:]])
        #expect(put.at("responses", "200", "content") == ["*/*": [:]])
        #expect(put.at("parameters").elements.map { $0.at("in") } == ["path"])
    }

    @Test func streamsHaveTheirForms() {
        let content = document.at("paths", "/v1/items", "get", "responses", "200", "content")
        #expect(content.names == ["application/x-ndjson", "text/event-stream", "application/json"])
        #expect(content.at("application/json", "schema", "type") == "array")
        #expect(content.at("text/event-stream", "schema", "$ref") == "#/components/schemas/shop.v1.Item")
    }

    @Test func errorsAreThoseOfTheProtocol() throws {
        func error(_ path: String, _ method: String) -> JSONValue {
            document.at("paths", path, method, "responses", "default", "content", "application/json", "schema", "$ref")
        }
        #expect(error("/v1/items", "get") == "#/components/schemas/rest-error")
        #expect(error("/shop.v1.Shop/Count", "post") == "#/components/schemas/connect-error")
        let schema = document.at("components", "schemas", "rest-error")
        #expect(schema.at("properties").names == ["code", "reason", "message", "metadata"])
        let google = try OpenAPISamples.document(errors: .google).at("components", "schemas", "rest-error")
        #expect(google.at("properties").names == ["code", "message", "details"])
    }

    @Test func rulesOfValidationAreLimits() {
        let item = document.at("components", "schemas", "shop.v1.Item")
        #expect(item.at("required") == ["name"])
        #expect(item.at("properties", "name") == ["type": "string", "minLength": 1, "maxLength": 20])
    }

    /// Rules of the specification (https://spec.openapis.org/oas/v3.1.1.html) that hold for every document.
    @Test func documentKeepsToTheSpecification() throws {
        #expect(document.at("openapi") == "3.1.1")
        let components = document.at("components", "schemas")
        for reference in Self.references(document) {
            #expect(components[String(reference.dropFirst("#/components/schemas/".count))] != nil, "\(reference)")
        }
        for name in components.names { #expect(name.wholeMatch(of: /[a-zA-Z0-9._-]+/) != nil, "\(name)") }
        var ids: Set<JSONValue> = []
        var shapes: Set<String> = []
        for path in document.at("paths").names {
            #expect(path.hasPrefix("/"))
            #expect(shapes.insert(path.replacing(/\{[^}]*\}/, with: "{}")).inserted, "\(path)")
            let variables = Set(path.matches(of: /\{([^}]*)\}/).map { String($0.output.1) })
            for method in document.at("paths", path).names {
                let operation = document.at("paths", path, method)
                #expect(ids.insert(operation.at("operationId")).inserted, "\(path)")
                let parameters = operation.at("parameters").elements
                let inPath = parameters.filter { $0.at("in") == "path" }
                #expect(Set(inPath.map { $0.at("name") }) == Set(variables.map(JSONValue.string)), "\(path)")
                #expect(inPath.allSatisfy { $0.at("required") == true })
                #expect(Set(parameters.map { [$0.at("name"), $0.at("in")] }).count == parameters.count)
                #expect(parameters.allSatisfy { $0["schema"] != nil })
                for status in operation.at("responses").names {
                    #expect(operation.at("responses", status)["description"] != nil)
                }
            }
        }
    }

    private static func references(_ value: JSONValue) -> [String] {
        switch value {
        case .object(let members):
            members.flatMap { member -> [String] in
                if member.name == "$ref", case .string(let reference) = member.value { return [reference] }
                return references(member.value)
            }
        case .array(let elements): elements.flatMap(references)
        default: []
        }
    }

    @Test func operationsTellTheMethodBehindAPath() throws {
        let pool = try OpenAPISamples.pool()
        let operations = try pool.httpOperations(of: pool.ownServices)
        #expect(
            operations.suffix(3).map { "\($0.rule.method) \($0.template) \($0.name)" } == [
                "POST /shop.v1.Shop/Count shop.v1.Shop/Count", "POST /shop.v1.Shop/Watch shop.v1.Shop/Watch",
                "GET /v1/chat shop.v1.Shop/Chat",
            ])
        #expect(operations[1].template.description == "/v1/{name=shelves/*/items/*}:find")
    }

    @Test func twoServicesOfOneNameHaveTheirOwnIds() throws {
        var files: [Google_Protobuf_FileDescriptorProto] = []
        for version in ["v1", "v2"] {
            files.append(
                try .init(
                    textFormatString: """
                        name: "\(version).proto" package: "a.\(version)" syntax: "proto3" message_type { name: "M" }
                        service { name: "S" method { name: "Get" input_type: ".a.\(version).M" output_type: ".a.\(version).M" } }
                        """))
        }
        let pool = try DescriptorPool(files)
        let document = try OpenAPIDocument(
            pool, services: pool.ownServices, options: OpenAPIOptions(title: "", version: "")
        ).json
        #expect(document.at("paths", "/a.v1.S/Get", "post", "operationId") == "a_v1_S_Get")
        #expect(document.at("paths", "/a.v2.S/Get", "post", "operationId") == "a_v2_S_Get")
    }
}
