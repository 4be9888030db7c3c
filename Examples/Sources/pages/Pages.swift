import Hummingbird
import ServiceKit
import ServiceKitHTTP
import ServiceKitHummingbird

/// A service whose routes are those of a Hummingbird router: `pages --set server.listen=127.0.0.1:9000`, then
/// `curl http://127.0.0.1:9000/hello/Ada`.
@main
struct Main {
    static func main() async {
        await App.run(plugins: [.http]) { app in
            app.mount(makePages())
        }
    }
}

/// Pages that a team has written for Hummingbird.
func makePages() -> Router<BasicRequestContext> {
    let router = Router()
    router.get("hello/{name}") { _, context in
        "Hello, \(try context.parameters.require("name"))\n"
    }
    router.post("echo") { request, _ in
        Response(
            status: .created, headers: [.contentType: "text/plain"], body: ResponseBody(asyncSequence: request.body))
    }
    router.get("forbidden") { _, _ -> String in
        throw HTTPError(.forbidden, message: "not here")
    }
    return router
}
