// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_STREAM_PEER_HPP
#define SLK_TESTS_SUPPORT_STREAM_PEER_HPP

/// A peer of a socket that sends any bytes: a stream over tcp or ipc, or in a simulation. The test
/// runs its loop.

#include <serverlink/endpoint.hpp>
#include <serverlink/link.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/loop.hpp>

#include "support/must.hpp"
#include "support/streams.hpp"
#include "support/until.hpp"
#include "support/zmtp_handshake.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slk::testing {

/// The header of a frame with a size of eight bytes.
[[nodiscard]] inline std::string long_frame_header(std::uint64_t size, bool more)
{
    std::string header(1, more ? '\3' : '\2');
    for (unsigned shift = 64; shift > 0; shift -= 8)
        header += static_cast<char>(size >> (shift - 8));
    return header;
}

/// A frame with a body of less than 256 bytes.
[[nodiscard]] inline std::string short_frame(std::string_view body, bool more)
{
    return std::string(1, more ? '\1' : '\0') + static_cast<char>(body.size()) + std::string(body);
}

/// One endpoint to bind for each transport that peers can send any bytes to.
[[nodiscard]] inline std::vector<std::string> stream_endpoints()
{
    std::vector<std::string> all{"tcp://127.0.0.1:*"};
#ifndef _WIN32
    all.emplace_back("ipc://*");
#endif
    return all;
}

/// A loop on the backend that SLK_TEST_BACKEND names, or else on the best one.
[[nodiscard]] inline loop new_peer_loop()
{
    loop_options options;
    if (const char* const backend = std::getenv("SLK_TEST_BACKEND"); backend != nullptr)
        options.backend = backend;
    return must(loop::create(std::move(options)));
}

class stream_peer {
    struct connection {
        stream of;
        std::unique_ptr<reader> replies;
    };
    std::shared_ptr<connection> at_ = std::make_shared<connection>();
    loop& on_;
    std::optional<link> link_;
    std::optional<listener> listener_;

    void take(stream made)
    {
        if (at_->of)
            return;
        at_->of = std::move(made);
        at_->replies = std::make_unique<reader>(at_->of, 65536);
    }

public:
    /// Connects to the endpoint, or with `listens` waits for a connection there.
    stream_peer(loop& on, const std::string& endpoint, bool listens = false) : on_(on)
    {
        if (listens) {
            listener_options options;
            options.at = must(slk::endpoint::parse(endpoint));
            listener_.emplace(must(listener::create(
                on, options,
                {.accepted = [this](stream made) { take(std::move(made)); }, .failed = {}})));
            return;
        }
        link_options options;
        options.to = must(slk::endpoint::parse(endpoint));
        link_.emplace(
            must(link::create(on, options, {.state_changed = {}, .connected = [this](stream made) {
                                                take(std::move(made));
                                            }})));
        link_->start();
        REQUIRE(is_connected());
    }
    stream_peer(const stream_peer&) = delete;
    stream_peer& operator=(const stream_peer&) = delete;
    ~stream_peer() { close(); }

    /// Runs the loop until `done`. Returns false if `time` is over before.
    template <class Done>
    bool run_until(Done done, duration time = test_timeout)
    {
        return must(on_.run_until([&] { return done(); }, time));
    }
    [[nodiscard]] bool is_connected()
    {
        return run_until([&] { return static_cast<bool>(at_->of); });
    }
    /// Greets, and waits until the socket has sent its READY.
    [[nodiscard]] bool shake_hands(std::string_view type)
    {
        return send(zmtp_greeting() + zmtp_ready(type)) &&
               run_until([&] { return at_->replies->text.find("READY") != std::string::npos; });
    }
    /// Sends in pieces until all was taken. Returns false if the other side takes no more within
    /// `time`, or has closed.
    bool send(std::string_view bytes, duration time = test_timeout)
    {
        while (!bytes.empty() && !at_->replies->finished()) {
            const std::string_view piece = bytes.substr(0, 65536);
            testing::stream_sender one(at_->of, std::string(piece));
            if (!run_until([&] { return one.done || at_->replies->finished(); }, time) ||
                one.failure || !one.done)
                return false;
            bytes.remove_prefix(piece.size());
        }
        return bytes.empty();
    }
    /// Goes on while the loop runs.
    [[nodiscard]] std::unique_ptr<testing::stream_sender> begin_send(std::string bytes)
    {
        return std::make_unique<testing::stream_sender>(at_->of, std::move(bytes));
    }
    /// The other side has closed.
    [[nodiscard]] bool is_closed(duration within = test_timeout)
    {
        return run_until([&] { return at_->replies->finished(); }, within);
    }
    /// All that the other side has sent.
    [[nodiscard]] const std::string& received() const { return at_->replies->text; }
    /// After everything that was sent; it still receives.
    void finish_sending() { must(at_->of.shutdown_send()); }
    [[nodiscard]] std::uint64_t bytes_sent() const { return at_->of.bytes_sent(); }
    /// Where it listens.
    [[nodiscard]] std::string endpoint() const { return to_string(listener_->local_endpoint()); }
    void close()
    {
        at_->of.close();
        link_.reset();
        listener_.reset();
    }
};

} // namespace slk::testing

#endif
