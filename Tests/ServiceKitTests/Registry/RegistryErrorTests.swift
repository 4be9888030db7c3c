import ServiceKit
import Testing

@Suite struct RegistryErrorTests {
    @Test(arguments: [
        (RegistryError.Code.unavailable, true), (.timeout, true), (.alreadyRegistered, false),
        (.invalidInstance, false), (.permissionDenied, false), (.unsupported, false), (.notFound, false),
    ])
    func codeTellsTransientFromPermanent(_ code: RegistryError.Code, _ isTransient: Bool) {
        #expect(code.isTransient == isTransient)
    }

    @Test func descriptionIsTheMessage() {
        #expect("\(RegistryError(code: .timeout, message: "too late"))" == "too late")
        #expect("\(RegistryError.Code.timeout)" == "timeout")
    }
}
