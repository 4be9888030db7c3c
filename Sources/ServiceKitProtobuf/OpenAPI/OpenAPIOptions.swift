/// The texts of an OpenAPI document beside the operations, and the form of the JSON that it describes.
package struct OpenAPIOptions: Hashable, Sendable {
    package var title: String
    /// The version of the API.
    package var version: String
    package var json: JSONOptions
    /// The form of errors over REST.
    package var errors: Errors

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
