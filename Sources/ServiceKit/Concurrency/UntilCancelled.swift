package func untilCancelled() async {
    _ = await Watched(()).first { _ in false }
}
