import ServiceKitCommand
import ServiceKitEtcd

/// The example of the guide. It is compiled, and not run: it reads the command line, and ends the process.
private struct Main {
    /// The module's, and not the process of the tests.
    typealias Kit = ServiceKitCommand.Kit

    static func main() async {
        await Kit.main(plugins: [.etcd])
    }
}
