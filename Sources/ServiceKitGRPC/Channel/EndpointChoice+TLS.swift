package import ServiceKit

extension ClientTLSOptions {
    /// The endpoints that a channel with these options connects to.
    package var endpointChoice: EndpointChoice {
        EndpointChoice(schemes: self == ClientTLSOptions() ? ["grpcs", "grpc"] : ["grpcs"])
    }
}
