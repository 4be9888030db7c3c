import ServiceKit
import ServiceKitHTTP
import ServiceKitHummingbird

/// A service whose routes are those of a Hummingbird router: `curl http://127.0.0.1:9000/hello/Ada`.
@main
struct Main {
    static func main() async {
        await App.run(plugins: [.http]) { app in
            app.mount(makePages())
        }
    }
}
