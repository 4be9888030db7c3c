extension Configuration {
    /// Gives the errors of `body` their place in the configuration.
    ///
    /// For checks of decoded values, which know the key at fault but not where it is written.
    ///
    /// - Parameters:
    ///   - path: The path of the values that `body` checks, as in `registry.etcd`.
    ///   - body: Checks the values, or makes something of them.
    /// - Returns: The result of the body.
    /// - Throws: ``ConfigurationError``. An error of `body` that has a key path but no place gets the place of that key,
    ///   or of `path` when the key is not written. An error of another type becomes a ``ConfigurationError`` of `path`.
    public func locatingErrors<Result>(
        at path: String,
        _ body: () throws -> Result
    ) throws(ConfigurationError) -> Result {
        do {
            return try body()
        } catch let error as ConfigurationError {
            if error.location != nil { throw error }
            let key = error.keyPath ?? path
            throw ConfigurationError(
                message: error.message,
                location: location(of: key) ?? location(of: path),
                keyPath: key
            )
        } catch {
            throw ConfigurationError(message: "\(error)", location: location(of: path), keyPath: path)
        }
    }
}
