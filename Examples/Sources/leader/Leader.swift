import EtcdClient
import Foundation
import ServiceKit

/// A job that one of several instances runs at a time: `leader --set app.id=node-1`.
///
/// It needs etcd, on 127.0.0.1:2379 or where `ETCDCTL_ENDPOINTS` says.
@main struct Leader {
    static func main() async {
        await App.run { app in
            let etcd = ProcessInfo.processInfo.environment["ETCDCTL_ENDPOINTS"] ?? "http://127.0.0.1:2379"
            app.add(Job(id: app.snapshot().instance.id, etcd: try EtcdConfig(endpoints: [etcd])))
        }
    }
}
