// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_PUBSUB_BROKER_HPP
#define SERVERLINK_PUBSUB_BROKER_HPP

/// slk::pubsub_broker: a place where publishers and subscribers meet that do not know each other:
/// both connect to it. An XSUB and an XPUB, and a proxy between them.
///
///     SLK_TRY(auto broker, slk::pubsub_broker::create(context, "tcp://*:5556", "tcp://*:5557"));
///     std::jthread runs([&] { (void)broker.run(); });

#include <serverlink/proxy.hpp>
#include <serverlink/xpub.hpp>
#include <serverlink/xsub.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace slk {

class SLK_API pubsub_broker {
public:
    /// Listens at both endpoints: PUBs and XPUBs connect to `frontend`, SUBs and XSUBs to
    /// `backend`. Errors: those of xsub::create(), xpub::create() and socket::bind().
    [[nodiscard]] static result<pubsub_broker> create(context& in, std::string_view frontend,
                                                      std::string_view backend);

    pubsub_broker(pubsub_broker&& other) noexcept;
    pubsub_broker& operator=(pubsub_broker&& other) noexcept;
    /// Not while it runs.
    ~pubsub_broker();

    /// The endpoints as bind() has returned them: a wildcard has become a real port.
    [[nodiscard]] const std::string& frontend() const noexcept;
    [[nodiscard]] const std::string& backend() const noexcept;

    /// Moves messages and subscriptions until stop(), as proxy::run(). May be called again.
    [[nodiscard]] result<void> run(const timeout& limit = {});

    // Any thread, at any time.

    /// Ends run(), or the next one.
    void stop() noexcept;
    /// Messages of publishers that were passed on to at least one subscriber.
    [[nodiscard]] std::uint64_t messages() const noexcept;

private:
    struct core;
    explicit pubsub_broker(std::unique_ptr<core> made) noexcept;

    std::unique_ptr<core> core_;
};

} // namespace slk

#endif
