import ArgumentParser
import Glibc

/// The question before a command replaces something.
struct Confirmation: ParsableArguments {
    @Flag(help: "Write without a question.")
    var yes = false

    /// Asks on the terminal. Throws `CommandFailure` when the answer is not yes, or there is nobody to ask.
    func ask(_ question: String) throws {
        if yes { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure("there is no terminal for the question \"\(question)\"; add --yes to write")
        }
        Terminal.error.write("\(question) [y/N] ")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            throw CommandFailure("nothing was written")
        }
    }
}
