import ArgumentParser
import HTTPTypes
import ServiceKit
import ServiceKitHTTPClient
import ServiceKitProtobuf

/// `kit openapi`.
struct OpenAPICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "openapi",
        abstract: "Prints the OpenAPI 3.1 document of services.",
        discussion: """
            The document has the paths of google.api.http, and for methods without them the paths of Connect. Comments of \
            the .proto file are its descriptions. \(DescriptionArguments.discussion)

              kit openapi > openapi.json
              kit openapi user.proto -I protos --title Users
              kit openapi user-service
              kit openapi --address 127.0.0.1:9000

            A service with the module ServiceKitHTTP serves the document at /openapi.json, with a page at /openapi \
            (server.http.openapi). There it has the form of JSON that server.http.json says, the routes of app.http and the \
            declared changes of app.http.adjust. With --address and no option of the document, that one is printed; in all \
            other cases the options say the form of JSON, and the document has no such routes.
            """
    )

    @Option(help: ArgumentHelp("The title. Default: the services' names.", valueName: "text"))
    var title: String?

    @Option(help: ArgumentHelp("The version of the API. Default: that in the package's name.", valueName: "text"))
    var apiVersion: String?

    @Flag(help: "64-bit integers are numbers, as with server.http.json.int64-as-number.")
    var int64AsNumber = false

    @Flag(help: "Enums are numbers, as with server.http.json.enums-as-numbers.")
    var enumsAsNumbers = false

    @Flag(help: "Fields have their names in the .proto file, as with server.http.json.proto-names.")
    var protoNames = false

    @OptionGroup var description: DescriptionArguments

    func run() async throws {
        if let document = await served() { return Terminal.output.print(document.prettyText) }
        let described = try await description.services()
        let names = described.services.map(\.name)
        var json = JSONOptions()
        json.int64AsNumber = int64AsNumber
        json.enumsAsNumbers = enumsAsNumbers
        json.usesProtoNames = protoNames
        let options = OpenAPIOptions(
            title: title ?? names.joined(separator: ", "), version: apiVersion ?? Self.version(of: names), json: json)
        do throws(RoutingError) {
            let document = try OpenAPIDocument(described.pool, services: described.services, options: options)
            Terminal.output.print(document.json.prettyText)
        } catch {
            throw CommandFailure(error.message)
        }
    }

    /// The document that a running server serves; `nil` if it serves none, or another one is asked for.
    private func served() async -> JSONValue? {
        guard title == nil, apiVersion == nil, !int64AsNumber, !enumsAsNumbers, !protoNames,
            let client = try? description.address.httpClient()
        else { return nil }
        let timeout = description.timeout.value
        let bytes = try? await client.withConnections {
            let response = try await client.send(.get, "/openapi.json", timeout: timeout).requireSuccess()
            return try await response.body.collect(upTo: Self.maxBytes)
        }
        guard let bytes, let document = try? JSONParser.parse(String(decoding: bytes, as: UTF8.self)),
            document["openapi"] != nil
        else { return nil }
        return document
    }

    /// The largest document that is read.
    private static let maxBytes = 64 << 20

    /// The version in the names of services: `v1` of `user.v1.UserService`.
    private static func version(of services: [String]) -> String {
        let versions = services.compactMap { name in
            try? ProtoPackage(name.split(separator: ".").dropLast().joined(separator: ".")).version
        }
        return versions.first ?? "v1"
    }
}
