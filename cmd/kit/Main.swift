import ServiceKitAuth
import ServiceKitCommand
import ServiceKitEtcd
import ServiceKitHTTP

@main struct Main {
    static func main() async {
        await Kit.main(plugins: [.auth, .etcd, .http])
    }
}
