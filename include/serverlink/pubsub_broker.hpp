// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_PUBSUB_BROKER_HPP
#define SERVERLINK_PUBSUB_BROKER_HPP

/// slk::pubsub_broker: a place where publishers and subscribers meet that do not know each other:
/// both connect to it. An XSUB and an XPUB, and a proxy between them.
///
///     SLK_TRY(auto broker, slk::pubsub_broker::create(context, "tcp://*:5556", "tcp://*:5557"));
///     SLK_TRY(broker.start()); // or broker.run(), on a thread of the caller's

#include <serverlink/proxy.hpp>
#include <serverlink/xpub.hpp>
#include <serverlink/xsub.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace slk {

/// How a broker begins, and the options of its sockets.
struct pubsub_broker_options {
    /// The first run() or start() binds both endpoints, and not create().
    bool bind_at_start = false;
    /// Of its two sockets.
    xsub_options of_frontend{};
    xpub_options of_backend{}; ///< as above
};

class SLK_API pubsub_broker {
public:
    /// Listens at both endpoints: PUBs and XPUBs connect to `frontend`, SUBs and XSUBs to
    /// `backend`. Errors: those of xsub::create(), xpub::create() and socket::bind().
    [[nodiscard]] static result<pubsub_broker> create(context& in, std::string_view frontend,
                                                      std::string_view backend,
                                                      const pubsub_broker_options& options = {});

    pubsub_broker(pubsub_broker&& other) noexcept;
    pubsub_broker& operator=(pubsub_broker&& other) noexcept;
    /// Stops, and waits until run() has returned or the thread of start() has ended.
    ~pubsub_broker();

    /// The endpoints as bind() has returned them: a wildcard has become a real port. With
    /// `bind_at_start`, until then: as they were given. Not while another thread is in the first
    /// run() or start().
    [[nodiscard]] const std::string& frontend() const noexcept;
    /// As frontend(), of the other endpoint.
    [[nodiscard]] const std::string& backend() const noexcept;

    /// Moves messages and subscriptions until stop(), as proxy::run(). May be called again. Errors:
    /// those of proxy::run() and socket::bind(), in_progress (it runs, or was started).
    [[nodiscard]] result<void> run(const timeout& limit = {});
    /// The same on a thread of its own, which runs until stop() or the end of the context. Returns
    /// when both endpoints are bound. A stop() before the call does not count: it first waits for
    /// the end of what was stopped. Not by the thread of a stopped run(). Errors: those of
    /// socket::bind(), in_progress (it runs, or was started), not_supported (a context without
    /// threads), cancelled (the context was shut down), and those of the system where it starts no
    /// thread.
    [[nodiscard]] result<void> start();

    // Any thread, at any time, and as often as one likes.

    /// Ends run(), or the next one; ends what start() has begun. Does not wait for that.
    void stop() noexcept;
    /// Why the thread of start() has ended without stop(): cancelled (the context was shut down),
    /// out_of_memory, and the others of proxy::run(). No error: it runs, was stopped, or was not
    /// started.
    [[nodiscard]] error ended_because() const noexcept;
    /// Messages of publishers that were passed on to at least one subscriber.
    [[nodiscard]] std::uint64_t messages() const noexcept;

private:
    struct core;
    explicit pubsub_broker(std::unique_ptr<core> made) noexcept;

    std::unique_ptr<core> core_;
};

} // namespace slk

#endif
