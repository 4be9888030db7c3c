import Subprocess
import Testing

@testable import ServiceKitCommand

@Suite struct RunStateTests {
    /// A state with everything built and running.
    private func running(_ count: Int, watches: Bool = true) -> RunState {
        var state = RunState(count: count, watches: watches)
        _ = state.begin()
        for service in 0..<count { _ = state.handle(.built(service, seconds: 1, failure: nil)) }
        return state
    }

    @Test func buildsOneAfterAnotherAndThenStartsAll() {
        var state = RunState(count: 2, watches: false)
        #expect(state.begin() == [.say(0, "building"), .build(0)])
        #expect(state.handle(.built(0, seconds: 1.23, failure: nil)) == [.say(1, "building"), .build(1)])
        #expect(
            state.handle(.built(1, seconds: 2, failure: nil)) == [
                .start(0), .say(0, "built in 1.2 s, started"), .start(1), .say(1, "built in 2.0 s, started"),
            ]
        )
    }

    @Test func noBuildStartsServicesAtOnce() {
        var state = RunState(count: 2, builds: false, watches: false)
        #expect(state.begin() == [.start(0), .start(1)])
    }

    @Test func failedFirstBuildEndsTheRun() {
        var state = RunState(count: 2, watches: false)
        _ = state.begin()
        #expect(
            state.handle(.built(0, seconds: 1, failure: "error: no")) == [
                .show("error: no"), .say(0, "the build failed"), .finish(1),
            ]
        )
    }

    @Test func failedFirstBuildWaitsForAChangeWhenWatching() {
        var state = RunState(count: 2, watches: true)
        _ = state.begin()
        #expect(
            state.handle(.built(0, seconds: 1, failure: "no")) == [
                .show("no"), .say(0, "the build failed; waiting for a change"), .say(1, "building"), .build(1),
            ]
        )
        #expect(state.handle(.built(1, seconds: 1, failure: nil)).first == .start(1))
        #expect(state.handle(.changed(0)) == [.build(0)])
        #expect(
            state.handle(.built(0, seconds: 3, failure: nil)) == [.start(0), .say(0, "rebuilt in 3.0 s, started")]
        )
    }

    @Test func oldServiceRunsUntilTheNewOneIsBuilt() {
        var state = running(1)
        #expect(state.handle(.changed(0)) == [.build(0)])
        #expect(
            state.handle(.built(0, seconds: 1, failure: "no")) == [
                .show("no"), .say(0, "the build failed; the last one goes on"),
            ]
        )
        #expect(state.handle(.changed(0)) == [.build(0)])
        #expect(state.handle(.built(0, seconds: 2, failure: nil)) == [.stop(0)])
        #expect(state.handle(.ended(0, .exited(0))) == [.start(0), .say(0, "rebuilt in 2.0 s, restarted")])
    }

    @Test func changeDuringABuildIsBuiltBeforeTheRestart() {
        var state = running(2)
        #expect(state.handle(.changed(0)) == [.build(0)])
        #expect(state.handle(.changed(0)) == [])
        #expect(state.handle(.changed(1)) == [])
        #expect(state.handle(.built(0, seconds: 1, failure: nil)) == [.build(0)])
        #expect(state.handle(.built(0, seconds: 1, failure: nil)) == [.stop(0), .build(1)])
    }

    @Test func aServiceThatEndsEndsAll() {
        var state = running(3, watches: false)
        #expect(
            state.handle(.ended(1, .exited(7))) == [.say(1, "ended with exit code 7"), .stop(2), .stop(0)]
        )
        #expect(state.handle(.ended(0, .exited(0))) == [])
        #expect(state.handle(.ended(2, .signaled(15))) == [.finish(7)])
    }

    @Test func endedServiceRestartsAfterAChangeWhenWatching() {
        var state = running(1)
        #expect(state.handle(.ended(0, .signaled(11))) == [.say(0, "ended by signal 11; waiting for a change")])
        #expect(state.handle(.changed(0)) == [.build(0)])
        #expect(
            state.handle(.built(0, seconds: 1, failure: nil)) == [.start(0), .say(0, "rebuilt in 1.0 s, started")]
        )
    }

    @Test func interruption() {
        var state = running(2)
        #expect(state.handle(.interrupted) == [.stop(1), .stop(0)])
        #expect(state.handle(.changed(0)) == [])
        #expect(state.handle(.ended(0, .exited(0))) == [])
        #expect(state.handle(.ended(1, .exited(0))) == [.finish(0)])
    }

    @Test func interruptionOfABuild() {
        var state = running(1)
        _ = state.handle(.changed(0))
        #expect(state.handle(.interrupted) == [.cancelBuild, .stop(0)])
        #expect(state.handle(.ended(0, .exited(0))) == [])
        #expect(state.handle(.built(0, seconds: 1, failure: "interrupted")) == [.finish(0)])
    }

    @Test func secondInterruptionKills() {
        var state = running(2)
        _ = state.handle(.interrupted)
        _ = state.handle(.ended(0, .exited(0)))
        #expect(state.handle(.interrupted) == [.kill(1)])
        #expect(state.handle(.ended(1, .signaled(9))) == [.say(1, "ended by signal 9"), .finish(137)])
    }

    @Test func interruptionDuringARestart() {
        var state = running(1)
        _ = state.handle(.changed(0))
        #expect(state.handle(.built(0, seconds: 1, failure: nil)) == [.stop(0)])
        #expect(state.handle(.interrupted) == [])
        #expect(state.handle(.ended(0, .exited(0))) == [.finish(0)])
    }

    @Test func aStopThatFailsIsTheResult() {
        var state = running(1, watches: false)
        _ = state.handle(.interrupted)
        #expect(state.handle(.ended(0, .exited(2))) == [.say(0, "ended with exit code 2"), .finish(2)])
    }
}
