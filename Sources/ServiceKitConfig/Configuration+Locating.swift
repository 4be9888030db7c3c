extension Configuration {
    /// Adds places in the configuration to the errors of `body`.
    ///
    /// For checks of decoded values: they know the key at fault, but not its place.
    ///
    /// - Parameters:
    ///   - path: The path of the values that `body` checks, such as `registry.etcd`.
    ///   - body: Checks the values, or builds a result from them.
    /// - Returns: The result of the body.
    /// - Throws: ``ConfigurationError``. An error of `body` with a key path but no place gets the place of that key. If
    ///   the key is not written, the error gets the place of `path`. An error of another type becomes a
    ///   ``ConfigurationError`` of `path`. A message about a secret value, or with the text of one, is not shown.
    public func locatingErrors<Result>(
        at path: String,
        _ body: () throws -> Result
    ) throws(ConfigurationError) -> Result {
        do {
            return try body()
        } catch let error as ConfigurationError {
            throw located(error, at: path)
        } catch {
            throw located(ConfigurationError(message: "\(error)"), at: path)
        }
    }

    /// An error with its place: that of its key, or that of `path` if the error has no key, or the key is not written.
    package func located(_ error: ConfigurationError, at path: String) -> ConfigurationError {
        if error.location != nil { return renamed(error) }
        let key = error.keyPath ?? path
        var placed = ConfigurationError(
            message: root.shown(error.message, about: node(at: key), at: ""),
            location: location(of: key) ?? location(of: path),
            keyPath: key
        )
        placed.isLocal = error.isLocal
        return renamed(placed)
    }
}
