import Subprocess

extension Subprocess.Configuration {
    /// A program that kit needs, in a process group of its own: ctrl-C is for kit, which then ends it.
    ///
    /// - Parameters:
    ///   - program: Its name, looked for on the `PATH`.
    ///   - arguments: Its arguments.
    ///   - signal: What it and all that it has started are sent to end it.
    ///   - limit: How long they may take then; afterwards they are killed.
    /// - Throws: ``CommandFailure`` when it is not there.
    static func tool(
        _ program: String,
        _ arguments: [String],
        endedBy signal: Signal,
        within limit: Duration
    ) async throws -> Subprocess.Configuration {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: signal, toProcessGroup: true, allowedDurationToNextStep: limit)
        ]
        // Looked for here: a name alone is tried in each directory of the PATH by a process of its own.
        guard let path = try? await Executable.name(program).resolveExecutablePath(in: .inherit) else {
            throw CommandFailure(
                "\(program) is not on the PATH; kit doctor says what is missing, and what to do about it")
        }
        return Subprocess.Configuration(
            executable: .path(path),
            arguments: Arguments(arguments),
            platformOptions: options
        )
    }
}
