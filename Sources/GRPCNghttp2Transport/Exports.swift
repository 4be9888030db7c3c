// A user of the transport writes one import: the engine's public types are part of the transport's interface.
@_exported public import ServiceKitHTTP2
