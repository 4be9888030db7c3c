/// The answer to requests of a path.
enum HTTPTarget: Sendable {
    /// A method of a service, by its rule.
    case method(RESTRoute)
    /// A route that belongs to no method: its number among those.
    case route(Int)
}
