internal import ServiceKit
internal import ServiceKitConfig
internal import ServiceKitProtobuf

/// The section `server.http`: HTTP beside gRPC. The option `advertise` in it is the App's.
struct HTTPOptions: ConfigurationSection, Hashable {
    /// Whether requests of HTTP are answered; true by default.
    var enabled = true
    /// The address of a server of its own; by default HTTP is answered on the port of gRPC.
    var listen: ListenAddress?
    /// How long a connection of HTTP/1.1 may be without a request before it is closed, and a WebSocket silent before it is
    /// pinged; 60 s by default.
    var idleTimeout = Duration.seconds(60)
    /// How long the next bytes of a body may take over HTTP/1.1 before its request fails with 408; 30 s by default.
    var bodyTimeout = Duration.seconds(30)
    /// Whether `/livez` and `/readyz` are answered; true by default.
    var probes = true
    /// The form of JSON.
    var json = HTTPJSONOptions()
    /// The methods whose JSON has another form, `/user.v1.UserService/ListUsers`, or services, `/user.v1.UserService/`.
    var methods: [String: HTTPMethodOptions] = [:]
    /// The form of errors over REST: `kratos`, the default, or `google`, that of `google.rpc.Status`.
    var errors = ErrorForm.kratos
    /// The compression of responses.
    var compression = HTTPCompressionOptions()
    /// The pages of other sites that may call this server from a browser.
    var cors = CORSOptions()
    /// The description of the methods for programs and people.
    var openapi = HTTPOpenAPIOptions()

    /// The form of a method's JSON.
    func json(of operation: String) -> HTTPJSONOptions { methods[forOperation: operation]?.json ?? json }

    /// The server's name, in logs and in the path of its section.
    static let serverName = "http"

    static let ranges: [OptionRange<HTTPOptions>] = [
        OptionRange("idle-timeout", \.idleTimeout, .milliseconds(100)...(.seconds(86_400))),
        OptionRange("body-timeout", \.bodyTimeout, .milliseconds(100)...(.seconds(86_400))),
    ]

    static let help = [
        "enabled": "whether REST, Connect and gRPC-Web are answered",
        "listen": "the address of a server of its own for HTTP; without it HTTP is answered on the port of gRPC",
        "advertise": "the host, or host and port, that the registry is given for a server of its own",
        "idle-timeout":
            "how long a connection of HTTP/1.1 may be without a request before it is closed, and a WebSocket silent before "
            + "it is pinged",
        "body-timeout": "how long the next bytes of a body may take over HTTP/1.1; then the request fails with 408",
        "probes": "whether `/livez` and `/readyz` are answered",
        "methods":
            "the methods or services whose JSON has another form, `/user.v1.UserService/ListUsers: {json: {defaults: false}}`",
        "errors": "the form of errors over REST: that of go-kratos, or of `google.rpc.Status`",
    ]
}

extension HTTPOptions: Validatable {
    /// Checks that methods are operations or services.
    func validate() throws(ConfigurationError) {
        try methods.keys.sorted().requireOperations(at: "methods")
    }
}

/// The section `server.http.methods.<method>`.
struct HTTPMethodOptions: ConfigurationSection, Hashable {
    /// The form of JSON.
    var json = HTTPJSONOptions()
}

/// The section `server.http.compression`: the compression of responses. Files of a directory, and streams whose length is
/// said, are sent as they are. A compressed stream takes 32 KiB.
struct HTTPCompressionOptions: ConfigurationSection, Hashable {
    /// The algorithm, for clients that read it; none by default.
    var algorithm = Algorithm.none
    /// The smallest body that is compressed; 1 KiB by default. Streams are compressed whatever their length is.
    var minBody = ByteCount.kibibytes(1)

    enum Algorithm: String, Codable, Sendable, CaseIterable {
        case none, gzip
    }

    static let ranges: [OptionRange<HTTPCompressionOptions>] = [
        OptionRange("min-body", \.minBody, 0...(.gibibytes(1)))
    ]

    static let help = [
        "algorithm": "how responses are compressed, for clients that read it",
        "min-body": "the smallest body that is compressed",
    ]
}

/// The section `server.http.json`: the form of JSON.
struct HTTPJSONOptions: ConfigurationSection, Hashable {
    /// Whether fields with their default values are printed; true by default, as in go-kratos.
    var defaults = true
    /// Whether 64-bit integers are printed as numbers in place of strings; false by default. JavaScript reads numbers above
    /// 2⁵³ inexactly.
    var int64AsNumber = false
    /// Whether enums are printed as numbers in place of names; false by default.
    var enumsAsNumbers = false
    /// Whether fields are printed by their names in the proto file; false by default. Both names are read.
    var protoNames = false
    /// The treatment of fields that a message does not have: `ignore`, the default, or `refuse`.
    var unknownFields = UnknownFields.ignore

    enum UnknownFields: String, Codable, Sendable, CaseIterable {
        case ignore, refuse
    }

    static let help = [
        "defaults": "whether fields with their default values are printed",
        "int64-as-number": "whether 64-bit integers are printed as numbers in place of strings",
        "enums-as-numbers": "whether enums are printed as numbers in place of names",
        "proto-names": "whether fields are printed by their names in the proto file; both names are read",
        "unknown-fields": "whether fields that a message does not have are ignored or refused",
    ]

    /// The converter's form.
    var transcoderOptions: JSONOptions {
        var options = JSONOptions()
        options.printsDefaults = defaults
        options.int64AsNumber = int64AsNumber
        options.enumsAsNumbers = enumsAsNumbers
        options.usesProtoNames = protoNames
        options.ignoresUnknownFields = unknownFields == .ignore
        return options
    }
}

/// The section `server.http.openapi`: the description of the methods at `/openapi.json`, with a page at `/openapi`.
struct HTTPOpenAPIOptions: ConfigurationSection, Hashable {
    /// Whether it is served, which tells every caller which methods there are. By default it is served if the server listens
    /// on a loopback address or a Unix domain socket.
    var enabled: Bool?
    /// The title; by default the name of the service.
    var title: String?

    static let help = [
        "enabled": "whether `/openapi.json` and the page `/openapi` are served; no middleware guards them",
        "title": "the title of the description",
    ]
}

/// The section `server.http.cors`: the pages of other sites that may call this server from a browser
/// (https://fetch.spec.whatwg.org/#http-cors-protocol).
struct CORSOptions: ConfigurationSection, Hashable {
    /// The origins that may: `https://app.example.com`, or `*` for all; none by default.
    var origins: [String] = []
    /// Whether browsers may send cookies and other credentials; false by default. `*` cannot be combined with it.
    var cookies = false
    /// The headers that pages may read, beside those of the protocols; none by default.
    var exposedHeaders: [String] = []
    /// How long browsers may remember the answer; 2 h by default.
    var maxAge = Duration.seconds(7200)

    static let ranges: [OptionRange<CORSOptions>] = [
        OptionRange("max-age", \.maxAge, .zero...(.seconds(86_400)))
    ]

    static let help = [
        "origins": "the origins whose pages may call: `https://app.example.com`, or `*` for all",
        "cookies": "whether browsers may send cookies and other credentials; not with `*`",
        "exposed-headers": "the headers that pages may read, beside those of the protocols",
        "max-age": "how long browsers may remember the answer to a preflight request",
    ]
}

extension CORSOptions: Validatable {
    func validate() throws(ConfigurationError) {
        if cookies, origins.contains("*") {
            throw ConfigurationError(
                message: "browsers send no cookies where every origin may call; name the origins", keyPath: "cookies")
        }
        for (index, origin) in origins.enumerated() where origin != "*" {
            let parts = origin.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[1].isEmpty, parts[0].hasSuffix(":"), !parts[2].isEmpty,
                !parts[2].contains("/")
            else {
                throw ConfigurationError(
                    message: "\"\(origin)\" is no origin; write scheme and host, as in https://app.example.com",
                    keyPath: "origins[\(index)]")
            }
        }
    }
}
