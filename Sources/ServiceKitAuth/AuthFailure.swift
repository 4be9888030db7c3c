internal import ServiceKit

/// The reason why a caller is not known. None of them says anything of the token itself.
enum AuthFailure: Error, Hashable {
    case missing
    case tooLarge
    case malformed
    case algorithm
    case unknownKey
    case signature
    case expired
    case notYetValid
    case issuer
    case audience
    case claims
    case certificate
    /// The server has no keys yet: not the caller's fault.
    case keysUnavailable

    /// The error that the caller gets.
    var error: ServiceError {
        switch self {
        case .keysUnavailable:
            ServiceError(.unavailable, reason: "AUTH_UNAVAILABLE", message: message)
        default:
            ServiceError(.unauthenticated, reason: reason, message: message)
        }
    }

    private var reason: String {
        switch self {
        case .missing: "CREDENTIALS_MISSING"
        case .expired: "TOKEN_EXPIRED"
        case .certificate: "CERTIFICATE_INVALID"
        default: "TOKEN_INVALID"
        }
    }

    private var message: String {
        switch self {
        case .missing: "the call has no credentials"
        case .tooLarge: "the token is too large"
        case .malformed: "the token is malformed"
        case .algorithm: "the token's algorithm is not accepted"
        case .unknownKey: "the token's key is not known"
        case .signature: "the token's signature does not match"
        case .expired: "the token has expired"
        case .notYetValid: "the token is not valid yet"
        case .issuer: "the token's issuer is not accepted"
        case .audience: "the token is for others"
        case .claims: "the token lacks a claim"
        case .certificate: "the certificate has no accepted name"
        case .keysUnavailable: "the keys that check tokens are not there yet"
        }
    }
}
