import Testing

@testable import ServiceKitCommand

/// Names of services, in all forms.
struct ServiceNameTests {
    @Test(arguments: ["user-service", "userService", "UserService", "user_service", "User-Service"])
    func allSpellingsGiveOneName(_ typed: String) throws {
        let name = try ServiceName(typed)
        #expect(name.executable == "user-service")
        #expect(name.target == "UserService")
        #expect(name.apiTarget == "UserServiceAPI")
        #expect(name.service == "UserService")
        #expect(name.package.description == "user.v1")
        #expect(name.proto == "user")
        #expect(name.entity.upperCamel == "User")
        #expect(name.entities.upperCamel == "Users")
    }

    @Test func theEndingIsAddedToTheServiceAlone() throws {
        let name = try ServiceName("order")
        #expect(name.target == "Order" && name.executable == "order" && name.service == "OrderService")
        #expect(name.package.description == "order.v1")
    }

    @Test(arguments: [
        ("OrderItemService", "order-item-service", "order_item.v1", "OrderItem", "OrderItems"),
        ("HTTPProxyService", "http-proxy-service", "http_proxy.v1", "HttpProxy", "HttpProxies"),
        ("category-service", "category-service", "category.v1", "Category", "Categories"),
        ("address-service", "address-service", "address.v1", "Address", "Addresses"),
        ("users-service", "users-service", "users.v1", "User", "Users"),
        ("categories", "categories", "categories.v1", "Category", "Categories"),
        ("status-service", "status-service", "status.v1", "Status", "Statuses"),
        ("news-service", "news-service", "news.v1", "News", "News"),
        ("box2-service", "box2-service", "box2.v1", "Box2", "Box2s"),
    ])
    func typedNameGivesAllForms(
        _ typed: String, executable: String, package: String, entity: String, entities: String
    ) throws {
        let name = try ServiceName(typed)
        #expect(name.executable == executable)
        #expect(name.package.description == package)
        #expect(name.entity.upperCamel == entity)
        #expect(name.entities.upperCamel == entities)
    }

    @Test(arguments: [
        ("", "a service needs a name"),
        ("1x", "begin with a letter"),
        ("../x", "letters a to z"),
        ("a b", "letters a to z"),
        ("ünder", "letters a to z"),
        ("😀", "letters a to z"),
        (String(repeating: "a", count: 300), "300 characters; 64 are allowed"),
        ("user--service", "a word must stand"),
        ("user-", "a word must stand"),
        ("user-2", "begins with a letter"),
        ("class", "a keyword of Swift"),
        ("import-service", "a keyword of Swift"),
        ("service", "name the thing that it serves"),
        ("a-service", "one letter"),
        ("string-service", "a type that every service uses"),
        ("service-kit", "a module"),
        ("Foundation", "a module"),
        ("swift", "a module"),
        ("logging", "a module"),
        ("testing", "a module"),
        ("nio", "a module"),
        ("kit", "a package"),
        ("swift-log", "a package"),
    ])
    func badNamesAreRefusedInOneLine(_ typed: String, reason: String) throws {
        let failure = #expect(throws: CommandFailure.self) { try ServiceName(typed) }
        let line = try #require(failure?.description)
        #expect(line.contains(reason), "\(line)")
        #expect(!line.contains("\n"))
    }

    @Test func thePackageCanBeAnother() throws {
        let name = try ServiceName("user-service", package: "acme.user_data.v1beta1")
        #expect(name.package.typePrefix == "Acme_UserData_V1beta1_")
        #expect(name.package.descriptor(of: "UserService") == "acme_userData_v1Beta1_UserService")
    }

    @Test(arguments: [
        ("pushService", "PushService_", "pushService_UserService"), ("User.v1", "User_V1_", "user_v1_UserService"),
        ("a__b", "AB_", "ab_UserService"), ("x.class.self", "X_Class_Self_", "x_class_self_UserService"),
    ])
    func packageFollowsProtocsRules(_ package: String, prefix: String, descriptor: String) throws {
        let name = try ServiceName("user-service", package: package)
        #expect(name.package.typePrefix == prefix)
        #expect(name.package.descriptor(of: "UserService") == descriptor)
    }

    @Test(arguments: ["", "user.", ".v1", "1user", "user-data.v1", "user/v1", "ünder"])
    func badPackagesAreRefused(_ package: String) {
        #expect(throws: CommandFailure.self) { try ServiceName("user-service", package: package) }
    }

    @Test(arguments: [
        ("user", "a"), ("order", "an"), ("address", "an"), ("category", "a"), ("unicorn", "a"), ("umbrella", "an"),
    ])
    func articles(_ word: String, article: String) {
        #expect(English.article(word) == article)
    }
}
