import GRPCCore
import LanesAPI
import ServiceKitGRPC

/// `lanes.v1.Shop`. It does not know of lanes: the header of the call travels on by itself.
struct ShopProvider: Lanes_V1_Shop.SimpleServiceProtocol {
    let instance: String
    let prices: Lanes_V1_Prices.Stub

    func offer(request: Lanes_V1_OfferRequest, context: ServerContext) async throws -> Lanes_V1_OfferReply {
        let price = try await prices.price(.with { $0.product = request.product })
        return .with {
            $0.text = "\(request.product) for \(price.euros) euros"
            $0.instances = [instance, price.instance]
        }
    }
}

/// `lanes.v1.Prices`.
struct PricesProvider: Lanes_V1_Prices.SimpleServiceProtocol {
    let instance: String

    func price(request: Lanes_V1_PriceRequest, context: ServerContext) async throws -> Lanes_V1_PriceReply {
        .with {
            $0.euros = 3
            $0.instance = instance
        }
    }
}
