import BenchmarkHarness
import Subprocess

/// A certificate for 127.0.0.1 that signs itself, and its key: files in PEM.
struct Certificate: Sendable {
    static let program = "openssl"

    let certificate: String
    let key: String

    /// Makes them in a directory.
    ///
    /// The key is on the curve P-256, whose handshakes are cheap: calls are measured and not handshakes.
    ///
    /// - Throws: ``MeasurementError`` if openssl does not make them.
    init(in directory: String) async throws {
        self.certificate = directory + "/certificate.pem"
        self.key = directory + "/key.pem"
        _ = try await output(
            of: .name(Self.program),
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                "-keyout", self.key, "-out", self.certificate,
            ]
        )
    }
}
