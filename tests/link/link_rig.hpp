// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_LINK_LINK_RIG_HPP
#define SLK_TESTS_LINK_LINK_RIG_HPP

/// For tests of links on real sockets: a loop whose submissions are checked at the end, a server,
/// and addresses without a listener.

#include <serverlink/link.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/loop.hpp>

#include "io/os/system.hpp"
#include "io/poller.hpp"
#include "support/books.hpp"
#include "support/quiet_port.h"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slk::link_tests {

using namespace std::chrono_literals;
using testing::books;

/// The backend of these tests: SLK_TEST_BACKEND, or else the best.
inline std::string wanted_backend()
{
    const char* const name = std::getenv("SLK_TEST_BACKEND");
    return name != nullptr ? name : "";
}

inline slk::loop new_loop()
{
    auto made = slk::loop::create({.backend = wanted_backend()});
    REQUIRE(made.has_value());
    return std::move(*made);
}

class rig {
public:
    explicit rig(loop_options options = {})
    {
        if (options.backend.empty())
            options.backend = wanted_backend();
        auto made = slk::loop::create(std::move(options));
        REQUIRE(made.has_value());
        loop_.emplace(std::move(*made));
    }

    slk::loop& operator*() { return *loop_; }
    slk::loop* operator->() { return &*loop_; }
    void end() { loop_.reset(); }

    /// The timeout only ends a hang.
    bool until(const std::function<bool()>& reached, duration bound = 10s)
    {
        return loop_->run_until(reached, bound).value_or(false);
    }

    /// Runs the loop for `time`.
    void pass(duration time) { CHECK(loop_->run_for(time).has_value()); }

private:
    books books_;
    std::optional<slk::loop> loop_;
};

inline endpoint at(const address& where)
{
    auto parsed = endpoint::parse("tcp://" + to_string(where));
    REQUIRE(parsed.has_value());
    return *parsed;
}

/// A listener on the loopback that keeps its streams, unless there is another `accepted` handler.
class server {
public:
    explicit server(slk::loop& on, std::uint16_t port = 0,
                    std::function<void(stream)> accepted = {})
        : server(on, address::loopback(address_family::ipv4, port), std::move(accepted))
    {
    }

    server(slk::loop& on, const address& where, std::function<void(stream)> accepted)
    {
        listener_options options;
        options.at = at(where);
        auto made = listener::create(
            on, options,
            {.accepted = accepted ? std::move(accepted)
                                  : [this](stream s) { streams.push_back(std::move(s)); },
             .failed = {}});
        if (!made)
            failure = made.error();
        else
            listening.emplace(std::move(*made));
    }
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    [[nodiscard]] address where() const { return listening->local_address(); }

    std::vector<stream> streams;
    std::optional<listener> listening;
    error failure{};
};

/// An unused address: a listener had it until now.
inline address free_address(slk::loop& on)
{
    for (int tries = 0; tries < 100; ++tries) {
        const server brief(on, next_quiet_port());
        if (brief.listening)
            return brief.where();
    }
    FAIL("no port is free");
    return {};
}

/// A port that is bound and not listening, so that no other socket can take it: it refuses.
class dead_end {
public:
    dead_end()
    {
        const auto opened = io::os::open_stream(address_family::ipv4);
        REQUIRE(opened.has_value());
        handle_ = *opened;
        bool bound = false;
        for (int tries = 0; tries < 100 && !bound; ++tries) {
            where_ = address::loopback(address_family::ipv4, next_quiet_port());
            (void)io::os::bind_source(handle_, where_.family, where_, bound);
        }
        REQUIRE(bound);
    }
    dead_end(const dead_end&) = delete;
    dead_end& operator=(const dead_end&) = delete;
    ~dead_end() { io::os::close(handle_, io::close_mode::graceful); }

    [[nodiscard]] const address& where() const { return where_; }

private:
    address where_;
    io::native_handle handle_{};
};

/// Listens and never accepts: once its queue is full, a connect there never ends (on Linux, and so
/// under Wine; Windows itself refuses).
class black_hole {
public:
    black_hole()
    {
        auto made = io::make_poller(system_clock_source(), loop::compiled_backends().back());
        if (!made)
            made = io::make_poller(system_clock_source(), loop::compiled_backends().front());
        REQUIRE(made.has_value());
        poller_ = std::move(*made);
        io::listen_settings settings;
        settings.backlog = 1;
        const auto opened =
            poller_->open_listener(address::loopback(address_family::ipv4, 0), settings);
        REQUIRE(opened.has_value());
        const auto local = poller_->local_address(*opened);
        REQUIRE(local.has_value());
        where_ = *local;
    }
    black_hole(const black_hole&) = delete;
    black_hole& operator=(const black_hole&) = delete;
    ~black_hole() { poller_->shutdown(); }

    [[nodiscard]] const address& where() const { return where_; }
    /// Fills the queue with links.
    void fill(rig& with)
    {
        for (int i = 0; i < 2; ++i) {
            auto made = link::create(*with, {.to = at(where_)});
            REQUIRE(made.has_value());
            made->start();
            fillers_.push_back(std::move(*made));
        }
        REQUIRE(with.until([&] {
            for (const link& filler : fillers_)
                if (filler.status().state != link_state::connected)
                    return false;
            return true;
        }));
    }

private:
    std::unique_ptr<io::poller> poller_;
    address where_;
    std::vector<link> fillers_;
};

/// Short delays for tests.
inline reconnect_options quick()
{
    reconnect_options options;
    options.base = 2ms;
    options.floor = 1ms;
    options.cap = 20ms;
    options.stable_after = 20ms;
    return options;
}

inline link make_link(slk::loop& on, const endpoint& to, const reconnect_options& reconnect,
                      link_handlers handlers = {})
{
    auto made = link::create(on, {.to = to, .reconnect = reconnect}, std::move(handlers));
    REQUIRE(made.has_value());
    return std::move(*made);
}

inline bool connected(const link& of)
{
    return of.status().state == link_state::connected;
}

inline constexpr std::array every_link_state{link_state::idle,       link_state::binding,
                                             link_state::connecting, link_state::tuning,
                                             link_state::connected,  link_state::backoff};

inline endpoint to_endpoint(const std::string& text)
{
    const auto parsed = endpoint::parse(text);
    REQUIRE(parsed.has_value());
    return *parsed;
}

/// The outcome of a receive or a send of a stream, once it has completed.
using transfer_outcome = std::optional<result<std::size_t>>;

inline stream::handler store_in(transfer_outcome& place)
{
    return [&place](result<std::size_t> got) {
        CHECK_FALSE(place.has_value());
        place.emplace(std::move(got));
    };
}

/// `size` bytes that differ from their neighbours.
inline std::vector<std::byte> pattern(std::size_t size)
{
    std::vector<std::byte> bytes(size);
    for (std::size_t index = 0; index < size; ++index)
        bytes[index] = static_cast<std::byte>(index * 31 + index / 256);
    return bytes;
}

} // namespace slk::link_tests

#endif
