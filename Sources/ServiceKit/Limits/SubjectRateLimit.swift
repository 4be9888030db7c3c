/// The part of ``RateLimit`` that knows callers by their ``Identity``: it begins behind authentication.
struct SubjectRateLimit: SynchronousMiddleware {
    private let limit: RateLimit

    init(_ limit: RateLimit) {
        self.limit = limit
    }

    func beginServing(_ call: inout Call) throws {
        try limit.take(call, bySubject: true)
    }
}
