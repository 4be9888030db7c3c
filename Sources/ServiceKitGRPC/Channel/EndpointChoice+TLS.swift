package import ServiceKit

extension ClientTLSOptions {
    /// The endpoints that a channel with these options connects to.
    ///
    /// - Parameter scheme: The scheme in clear text; that of TLS has an `s` behind it.
    package func endpointChoice(of scheme: String = "grpc") -> EndpointChoice {
        EndpointChoice(schemes: self == ClientTLSOptions() ? [scheme + "s", scheme] : [scheme + "s"])
    }
}
