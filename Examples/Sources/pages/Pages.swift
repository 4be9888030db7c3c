import Hummingbird
import ServiceKit
import ServiceKitHummingbird

/// Pages that a team has written for Hummingbird.
func makePages() -> Router<BasicRequestContext> {
    let router = Router()
    router.get("hello/{name}") { _, context in
        "Hello, \(try context.parameters.require("name"))\n"
    }
    router.post("echo") { request, _ in
        Response(status: .created, headers: [.contentType: "text/plain"], body: ResponseBody(asyncSequence: request.body))
    }
    router.get("forbidden") { _, _ -> String in
        throw HTTPError(.forbidden, message: "not here")
    }
    return router
}
