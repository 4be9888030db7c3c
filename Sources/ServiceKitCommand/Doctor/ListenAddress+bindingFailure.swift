import Glibc
import ServiceKit

extension ListenAddress {
    /// The reason why no server can listen there now; `nil` if one can.
    var bindingFailure: String? {
        switch self {
        case .tcp(let host, let port): Self.bindingFailure(host: host, port: port)
        case .unix(let path): access(path, F_OK) == 0 ? "a file exists at that path" : nil
        }
    }

    private static func bindingFailure(host: String, port: Int) -> String? {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var addresses: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, "\(port)", &hints, &addresses)
        guard result == 0, let address = addresses?.pointee else {
            return result == 0 ? "the host has no address" : String(cString: gai_strerror(result))
        }
        defer { freeaddrinfo(addresses) }
        let descriptor = socket(address.ai_family, address.ai_socktype, 0)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        defer { close(descriptor) }
        // As for servers, connections that linger after their end are not an obstacle.
        var yes: CInt = 1
        _ = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        return bind(descriptor, address.ai_addr, address.ai_addrlen) == 0 ? nil : String(cString: strerror(errno))
    }
}
