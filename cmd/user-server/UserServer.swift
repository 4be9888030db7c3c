import ServiceKit
import ServiceKitEtcd
import ServiceKitGRPC
import ServiceKitSampleAPI

/// The sample service: a service main as yours will look.
@main struct UserServer {
    static func main() async {
        await App.run(plugins: [.etcd]) { app in
            let store = UserStore.withSamples()
            app.serve(UserProvider(store: store), descriptors: userDescriptors)
            // Watchers would keep the server from draining: their streams end when the stop begins.
            app.beforeStop { store.endWatches() }
        }
    }
}
