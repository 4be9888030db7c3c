import ServiceKitAuth
import ServiceKitCommand
import ServiceKitEtcd

@main struct Main {
    static func main() async {
        await Kit.main(plugins: [.auth, .etcd])
    }
}
