import ServiceKit
import ServiceKitEtcd
import ServiceKitGRPC
import ServiceKitHTTP
import ServiceKitSampleAPI

/// The sample service: an example for the main of a service.
@main struct UserServer {
    static func main() async {
        await App.run(plugins: [.etcd, .http]) { app in
            let store = UserStore.withSamples()
            app.serve(UserProvider(store: store), descriptors: userDescriptors)
            // Watches would keep the server from draining. Their streams end when the stop begins.
            app.beforeStop { store.endWatches() }
        }
    }
}
