internal import Logging
private import ServiceKitConfig
internal import ServiceLifecycle

/// What an App is to do, once it is all said: what its life is run from.
struct AppPlan: Sendable {
    /// The instance, without its endpoints.
    let instance: ServiceInstance
    let advertise: AdvertiseOptions
    let registryOptions: RegistryOptions
    let startup: StartupOptions
    let shutdown: ShutdownOptions
    let registry: any Registry
    /// What errors call the registry.
    let registryName: String
    let hooks: Hooks
    let services: [any Service]
    let servers: [any Server]
    let health: Watched<AppHealth>
    let registrationState: Watched<RegistrationState?>
    let environment: [String: String]
    /// The clock of every limit.
    let clock: any Clock<Duration>
    let logger: Logger

    func advertiser() -> AddressAdvertiser {
        AddressAdvertiser(
            options: advertise,
            reach: registry.reach,
            environment: environment,
            interfaces: InterfaceAddress.all,
            logger: logger
        )
    }
}
