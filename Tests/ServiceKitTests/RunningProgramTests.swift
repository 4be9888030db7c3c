import Glibc
import ServiceKitTestSupport
import ServiceKitTesting
import Testing

/// Programs of tests: a test process that is killed leaves none behind.
@Suite(.timeLimit(.minutes(1))) struct RunningProgramTests {
    @Test func programEndsWhenTheKernelClosesThePipeOfItsGroup() async throws {
        var group: ProcessGroup? = try ProcessGroup(named: "kit-tests")
        let program = try RunningProgram("/bin/sleep", ["1000"], group: group)
        #expect(getpgid(program.processID) == group?.id)
        // The kernel closes the pipe in the same way when the tests' process ends.
        group = nil
        #expect(try await program.waitForExit() == .signaled(SIGKILL))
    }

    @Test func programsOfTheTestsAreInOneGroupOfTheirOwn() throws {
        let programs = try (0..<2).map { _ in try RunningProgram("/bin/sleep", ["1000"]) }
        let groups = Set(programs.map { getpgid($0.processID) })
        #expect(groups.count == 1)
        #expect(!groups.contains(getpgrp()))
        #expect(groups.allSatisfy { $0 > 0 })
    }
}
