import Subprocess

extension Subprocess.Configuration {
    /// Configures a program on the `PATH`. It has a process group of its own: ctrl-C reaches kit, which then ends the
    /// program and its children by the signal, and kills them after the limit. Throws ``CommandFailure`` when the
    /// program does not exist.
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
        // Searches the PATH itself: with a name alone, a new process would try each directory.
        guard let path = try? await Executable.name(program).resolveExecutablePath(in: .inherit) else {
            throw CommandFailure(
                "\(program) is not on the PATH; kit doctor lists the missing tools and their remedies")
        }
        return Subprocess.Configuration(
            executable: .path(path),
            arguments: Arguments(arguments),
            platformOptions: options
        )
    }
}
