import Testing

/// The tests that run simulations. One after the other: each keeps a thread busy for seconds, which other tests need.
@Suite(.serialized) enum SimulatedFleets {}
