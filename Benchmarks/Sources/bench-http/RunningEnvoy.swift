import BenchmarkHarness
import BenchmarkNotes
import BenchmarkSupport
import Foundation
import Subprocess
import SystemPackage

/// An Envoy with one worker that makes gRPC of JSON.
struct RunningEnvoy {
    let port: Int
    let usage: ProcessUsage

    /// Runs an Envoy for as long as the body takes.
    ///
    /// - Parameters:
    ///   - program: The program.
    ///   - upstream: The port of the gRPC server.
    ///   - scratch: A directory for its files.
    static func with<Result: Sendable>(
        program: FilePath, upstream: Int, _ scratch: String,
        _ body: @escaping @Sendable (RunningEnvoy) async throws -> Result
    ) async throws -> Result {
        let port = try freePort()
        guard let descriptors = Data(base64Encoded: noteDescriptors) else {
            throw MeasurementError(description: "the descriptors are not base64")
        }
        let configuration = scratch + "/envoy-\(port).yaml"
        try descriptors.write(to: URL(fileURLWithPath: scratch + "/descriptors"))
        try Data(Self.configuration(port, upstream, descriptors: scratch + "/descriptors").utf8)
            .write(to: URL(fileURLWithPath: configuration))
        let result = try await Subprocess.run(
            .path(program),
            arguments: Arguments([
                "--config-path", configuration, "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "error",
            ]),
            input: .inputWriter,
            output: .sequence,
            error: .currentStandardError
        ) { execution in
            while !isListening(port) { try await Task.sleep(for: .milliseconds(20)) }
            let usage = ProcessUsage(processID: execution.processIdentifier.value)
            let result = try await body(RunningEnvoy(port: port, usage: usage))
            try execution.send(signal: .kill)
            return result
        }
        return result.closureResult
    }

    // MARK: - Ports

    /// A port of loopback that nothing has.
    private static func freePort() throws -> Int {
        let port = withSocket { descriptor, address, length in
            bind(descriptor, address, length.pointee) == 0 && getsockname(descriptor, address, length) == 0
        }
        guard let port else { throw MeasurementError(description: "there is no free port") }
        return port
    }

    private static func isListening(_ port: Int) -> Bool {
        withSocket(port) { connect($0, $1, $2.pointee) == 0 } != nil
    }

    /// Opens a socket for a call with an address of loopback. Returns the address's port after it; `nil` if it failed.
    private static func withSocket(
        _ port: Int = 0,
        _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Bool
    ) -> Int? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isDone = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(descriptor, $0, &length) }
        }
        return isDone ? Int(in_port_t(bigEndian: address.sin_port)) : nil
    }

    // MARK: - Configuration

    private static func configuration(_ port: Int, _ upstream: Int, descriptors: String) -> String {
        """
        static_resources:
          listeners:
          - name: http
            address: {socket_address: {address: 127.0.0.1, port_value: \(port)}}
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: http
                  route_config:
                    virtual_hosts:
                    - {name: ours, domains: ["*"], routes: [{match: {prefix: "/"}, route: {cluster: ours}}]}
                  http_filters:
                  - name: envoy.filters.http.grpc_json_transcoder
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder
                      proto_descriptor: "\(descriptors)"
                      services: [benchmark.v1.Notes]
                      request_validation_options: {reject_unknown_method: true}
                      print_options: {always_print_primitive_fields: true}
                  - name: envoy.filters.http.router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          clusters:
          - name: ours
            type: STATIC
            load_assignment:
              cluster_name: ours
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
