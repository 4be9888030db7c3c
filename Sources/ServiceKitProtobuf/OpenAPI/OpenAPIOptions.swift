/// The parts of an OpenAPI document beside the services: its texts, the form of the JSON that it describes, and routes.
package struct OpenAPIOptions: Hashable, Sendable {
    package var title: String
    /// The version of the API.
    package var version: String
    package var json: JSONOptions
    /// The form of errors over REST.
    package var errors: Errors
    /// The form of JSON of methods that have another one, by their paths: `/user.v1.UserService/ListUsers`.
    package var methods: [String: JSONOptions] = [:]
    /// The changes of methods' responses over REST, by the methods' paths.
    package var replies: [String: [OpenAPIReply]] = [:]
    /// The routes that belong to no method.
    package var routes: [OpenAPIRoute] = []

    package enum Errors: Hashable, Sendable {
        /// go-kratos's: `{"code":404,"reason":"USER_NOT_FOUND","message":"…","metadata":{}}`.
        case kratos
        /// That of `google.rpc.Status`: `{"code":5,"message":"…","details":[…]}`.
        case google
    }

    package init(title: String, version: String, json: JSONOptions = JSONOptions(), errors: Errors = .kratos) {
        self.title = title
        self.version = version
        self.json = json
        self.errors = errors
    }
}
