import GRPCCore
import ServiceKit
import ServiceKitConfig
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

@testable import ServiceKitGRPC

/// TLS between services, by configuration.
@Suite(.bothPaths, .timeLimit(.minutes(2)))
struct TLSTests {
    private static func server(_ files: TestCertificates, isMutual: Bool = false) -> ServerTLSOptions {
        var tls = ServerTLSOptions()
        tls.certificate = files.path("server.pem")
        tls.key = files.path("server.key")
        if isMutual { tls.clientCA = files.path("authority.pem") }
        return tls
    }

    private static func client(_ configure: (inout ClientTLSOptions) -> Void) -> ChannelOptions {
        var options = ChannelOptions()
        options.readyTimeout = .seconds(30)
        options.settleTimeout = .milliseconds(100)
        configure(&options.tls)
        return options
    }

    @Test func callsAreMadeOverTLS() async throws {
        try await TestCertificates.with { files in
            try await withTestBed { bed in
                let server = try await bed.server("a", tls: Self.server(files))
                #expect(try await server.endpoint.scheme == "grpcs")
                let client = try bed.client(Self.client { $0.ca = files.path("authority.pem") })
                #expect(try await client.text() == "a")
                // No authority of the system has signed it.
                let stranger = try bed.client(Self.client { _ in })
                let failure = await stranger.failure()
                #expect(failure?.code == .unavailable)
                #expect(failure?.message.contains("set client.tls.ca to the certificate of its signer") == true)
            }
        }
    }

    @Test func certificateMustHaveTheServersName() async throws {
        try await TestCertificates.with { files in
            try await withTestBed { bed in
                var tls = Self.server(files)
                tls.certificate = files.path("elsewhere.pem")
                tls.key = files.path("elsewhere.key")
                try await bed.server("a", tls: tls)
                let wrong = try bed.client(Self.client { $0.ca = files.path("authority.pem") })
                let failure = await wrong.failure()
                #expect(failure?.code == .unavailable)
                let message = failure?.message ?? ""
                #expect(message.contains("not made out to the address 127.0.0.1:"), "\(message)")
                #expect(message.contains("made out to DNS elsewhere.example; set client.tls.server-name"), "\(message)")
                let right = try bed.client(
                    Self.client {
                        $0.ca = files.path("authority.pem")
                        $0.serverName = "elsewhere.example"
                    }
                )
                #expect(try await right.text() == "a")
            }
        }
    }

    @Test func certificateFileWithOtherContentsIsRefused() async throws {
        try await TestCertificates.with { files in
            try await withTestBed { bed in
                try await bed.server("a", tls: Self.server(files))
                let client = try bed.client(Self.client { $0.ca = files.path("server.key") })
                let failure = await client.failure()
                #expect(failure?.message.contains("server.key\" (client.tls.ca) cannot be used: it holds no") == true)
            }
        }
    }

    @Test func clientWithoutItsCertificateIsRefused() async throws {
        try await TestCertificates.with { files in
            try await withTestBed { bed in
                try await bed.server("a", tls: Self.server(files, isMutual: true))
                for (name, isKnown) in [(nil, false), ("stranger", false), ("client", true)] as [(String?, Bool)] {
                    let client = try bed.client(
                        Self.client {
                            $0.ca = files.path("authority.pem")
                            $0.certificate = name.map { files.path("\($0).pem") }
                            $0.key = name.map { files.path("\($0).key") }
                        }
                    )
                    if isKnown {
                        #expect(try await client.text() == "a")
                    } else {
                        let failure = await client.failure()
                        #expect(failure?.code == .unavailable, "\(name ?? "nobody")")
                        #expect(failure?.message.contains("client.tls.certificate") == true, "\(name ?? "nobody")")
                    }
                }
            }
        }
    }

    /// An instance says that it speaks clear text. A client with TLS options does not believe it.
    @Test func clientWithTLSSendsNoClearText() async throws {
        try await TestCertificates.with { files in
            try await withTestBed { bed in
                try await bed.server("plain")
                let client = try bed.client(Self.client { $0.ca = files.path("authority.pem") })
                #expect(await client.failure()?.message.contains("no instance of \"test\"") == true)
                try await bed.server("safe", tls: Self.server(files))
                while await client.failure() != nil {}
                #expect(try await client.text() == "safe")
            }
        }
    }

    @Test func mistakesNameTheirKey() throws {
        func error(_ yaml: String) -> String? {
            let error = #expect(throws: ConfigurationError.self) {
                let configuration = try Configuration(yaml: yaml)
                _ = try configuration.decode(ServerTLSOptions.self, at: "server.grpc.tls").security()
                _ = try configuration.decode(ClientTLSOptions.self, at: "client.tls").security()
            }
            return error.map { "\($0.keyPath ?? ""): \($0.message)" }
        }
        let file = #filePath
        #expect(
            error("server: {grpc: {tls: {certificate: /nowhere.pem, key: \(file)}}}")
                == "server.grpc.tls.certificate: /nowhere.pem cannot be read: there is no such file"
        )
        #expect(
            error("server: {grpc: {tls: {certificate: \(file)}}}")
                == "server.grpc.tls.key: TLS needs a certificate and its key"
        )
        #expect(
            error("server: {grpc: {tls: {client-ca: \(file)}}}")
                == "server.grpc.tls.certificate: TLS needs a certificate and its key"
        )
        #expect(
            error("client: {tls: {server-name: 10.0.0.1}}")?.hasPrefix(
                "client.tls.server-name: \"10.0.0.1\" is an address"
            ) == true
        )
        #expect(
            error("client: {tls: {certificate: \(file)}}")
                == "client.tls.key: certificate and key are needed both, or neither"
        )
        #expect(
            error("client: {tls: {ca: /nowhere.pem}}")
                == "client.tls.ca: /nowhere.pem cannot be read: there is no such file"
        )
        #expect(error("client: {tls: {ca: /tmp}}") == "client.tls.ca: /tmp cannot be read: it is a directory")
    }
}
