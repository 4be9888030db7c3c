import Glibc
import NIOCore

/// A server could not listen at its address, or had to stop listening there.
public struct ServerBindError: Error, CustomStringConvertible {
    /// The address on which the server could not listen.
    public let address: TransportAddress

    /// The error of the system, or of the resolver of names.
    public let cause: any Error

    /// One line that names the address, the cause and the remedy.
    public var description: String {
        let (reason, remedy) = explanation
        return "cannot listen on \(address): \(reason); \(remedy)"
    }

    private var explanation: (reason: String, remedy: String) {
        guard let error = cause as? IOError else {
            return (ConnectionError.reason(cause), "check the address")
        }
        let reason = String(cString: strerror(error.errnoCode))
        if let limit = SystemLimit.explanation(of: error.errnoCode) { return (reason, limit) }
        switch error.errnoCode {
        case EADDRINUSE:
            return (
                reason,
                address.path == nil
                    ? "end the process that listens there, or choose another port (0 means any that is free)"
                    : "end the process that listens there, or remove the file if there is none"
            )
        case EADDRNOTAVAIL:
            return (reason, "this machine has no such address; 0.0.0.0 or :: stand for all it has")
        case EACCES:
            return (reason, "ports below 1024 and directories of others take privileges; choose another")
        case ENOENT where address.path != nil:
            return (reason, "create the directory of the socket")
        case ENAMETOOLONG where address.path != nil:
            return (reason, "choose a shorter path for the socket")
        case EPERM:
            return (reason, "a firewall or a security policy of the system forbids it")
        default:
            return (reason, "check the address")
        }
    }
}
