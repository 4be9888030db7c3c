import Foundation
import LanesAPI
import ServiceKit
import ServiceKitConfig
import ServiceKitGRPC

/// A shop that asks a service of prices. Each may have instances of a branch beside those of the main line.
///
///     lanes shop
///     lanes prices --set app.metadata.lane=branch-7
///     lanes buy branch-7
@main struct Lanes {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let options = ["--set", "client.lanes.enabled=true"] + arguments.dropFirst()
        switch arguments.first {
        case "shop":
            await App.run(arguments: ["--set", "app.name=shop"] + options) { app in
                let prices = Lanes_V1_Prices.Stub(try app.channel("prices"))
                app.serve(ShopProvider(instance: app.snapshot().instance.id, prices: prices))
            }
        case "prices":
            await App.run(arguments: ["--set", "app.name=prices"] + options) { app in
                app.serve(PricesProvider(instance: app.snapshot().instance.id))
            }
        case "buy":
            do {
                try await buy(lane: arguments.dropFirst().first)
            } catch {
                fail("lanes: \(error)", code: 1)
            }
        default:
            fail("usage: lanes shop|prices [--set PATH=VALUE]... | lanes buy [LANE]", code: 64)
        }
    }

    /// Calls the shop. The header names the lane; a call without it never reaches an instance of a lane.
    private static func buy(lane: String?) async throws {
        let configuration = try Configuration.load(files: [], overrides: ["client.lanes.enabled=true"])
        let channel = try ServiceChannel(to: "discovery:///shop", configuration: configuration)
        try await channel.withConnections {
            let shop = Lanes_V1_Shop.Stub(channel)
            let offer = try await shop.offer(
                .with { $0.product = "tea" },
                metadata: lane.map { ["x-md-global-lane": "\($0)"] } ?? [:]
            )
            print("\(lane ?? "no lane"): \(offer.text), by \(offer.instances.joined(separator: " and "))")
        }
    }

    private static func fail(_ message: String, code: Int32) -> Never {
        FileHandle.standardError.write(Data("\(message)\n".utf8))
        exit(code)
    }
}
