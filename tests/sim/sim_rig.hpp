// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SIM_SIM_RIG_HPP
#define SLK_TESTS_SIM_SIM_RIG_HPP

/// What the tests of the simulated network share: two hosts with a loop each, a listener and a link
/// that keep what they are given, and books that are balanced at the end.

#include <serverlink/link.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/simulation.hpp>

#include "support/books.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slk::sim_tests {

using namespace std::chrono_literals;
using testing::books;

inline address ip(const char* text, std::uint16_t port = 0)
{
    const auto parsed = address::parse(text, port);
    REQUIRE(parsed.has_value());
    return *parsed;
}

inline endpoint at(const std::string& text)
{
    auto parsed = endpoint::parse(text);
    REQUIRE(parsed.has_value());
    return *parsed;
}

inline simulation new_simulation(simulation_options options = {})
{
    auto made = simulation::create(std::move(options));
    REQUIRE(made.has_value());
    return std::move(*made);
}

inline host_id new_host(simulation& net, const char* name, std::vector<address> addresses)
{
    const auto made = net.add_host(name, std::move(addresses));
    REQUIRE(made.has_value());
    return *made;
}

inline loop new_loop(simulation& net, host_id on, loop_options options = {})
{
    auto made = net.create_loop(on, std::move(options));
    REQUIRE(made.has_value());
    return std::move(*made);
}

/// A client (10.0.0.2) and a server (10.0.0.1) with a loop each. Whatever lives on the loops must
/// end before it, or may call end() first.
struct world {
    explicit world(simulation_options options = {}) : net(new_simulation(std::move(options))) {}
    world(const world&) = delete;
    world& operator=(const world&) = delete;
    ~world() { end(); }

    void end()
    {
        client_loop.reset();
        server_loop.reset();
        CHECK(net.open_sockets() == 0);
    }

    /// The bound only ends a hang.
    bool until(const std::function<bool()>& reached, duration bound = 1min)
    {
        return net.run_until(reached, bound);
    }
    /// How long that takes, in simulated time.
    duration time_until(const std::function<bool()>& reached, duration bound = 1h)
    {
        const time_point begin = net.now();
        CHECK(until(reached, bound));
        return net.now() - begin;
    }

    books balanced;
    simulation net;
    host_id server = new_host(net, "server", {ip("10.0.0.1")});
    host_id client = new_host(net, "client", {ip("10.0.0.2")});
    std::optional<loop> server_loop{new_loop(net, server)};
    std::optional<loop> client_loop{new_loop(net, client)};
};

/// A listener that keeps what it accepts, unless `take` is set.
struct acceptor {
    explicit acceptor(loop& on, const std::string& where = "tcp://*:5000",
                      listener_options options = {})
    {
        options.at = at(where);
        auto made = listener::create(on, options,
                                     {.accepted =
                                          [this](stream s) {
                                              if (take)
                                                  take(std::move(s));
                                              else
                                                  streams.push_back(std::move(s));
                                          },
                                      .failed = [this](const error& e) { failures.push_back(e); }});
        if (made)
            listening.emplace(std::move(*made));
        else
            refused = made.error();
    }
    acceptor(const acceptor&) = delete;
    acceptor& operator=(const acceptor&) = delete;

    [[nodiscard]] listener_status status() const { return listening->status(); }

    std::function<void(stream)> take;
    std::vector<stream> streams;
    std::vector<error> failures;
    error refused{};
    std::optional<listener> listening;
};

/// A link that keeps its stream and its moves.
struct dialler {
    explicit dialler(loop& on, const std::string& where = "tcp://server:5000",
                     link_options options = {})
    {
        options.to = at(where);
        auto made = link::create(on, std::move(options),
                                 {.state_changed =
                                      [this](const link_transition& move, const link_status& now) {
                                          moves.push_back(move);
                                          if (now.last_error)
                                              reasons.push_back(now.last_error);
                                      },
                                  .connected =
                                      [this](stream s) {
                                          wire = std::move(s);
                                          if (connected)
                                              connected();
                                      }});
        REQUIRE(made.has_value());
        line.emplace(std::move(*made));
        line->start();
    }
    dialler(const dialler&) = delete;
    dialler& operator=(const dialler&) = delete;

    [[nodiscard]] link_status status() const { return line->status(); }
    [[nodiscard]] bool up() const { return status().state == link_state::connected; }
    [[nodiscard]] bool waits() const { return status().state == link_state::backoff; }
    /// Some attempt failed with that.
    [[nodiscard]] bool saw(errc code) const
    {
        return std::ranges::any_of(reasons, [&](const error& each) { return each == code; });
    }

    std::vector<link_transition> moves;
    std::vector<error> reasons;
    std::function<void()> connected;
    stream wire;
    std::optional<link> line;
};

inline std::span<const std::byte> bytes_of(std::string_view text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

/// Reads a stream to its end, by pieces of at most `piece` bytes. What it has read lives as long as
/// the receive that is under way: a test may end first.
class reader {
    struct state {
        std::string text;
        int completions = 0;
        bool ended = false;
        error failure{};
        stream* from = nullptr;
        std::vector<std::byte> buffer;
    };
    std::shared_ptr<state> state_;

public:
    explicit reader(stream& from, std::size_t piece = 4096)
        : state_(std::make_shared<state>()), text(state_->text), completions(state_->completions),
          ended(state_->ended), failure(state_->failure)
    {
        state_->from = &from;
        state_->buffer.resize(piece);
        more(state_);
    }
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    const std::string& text;
    const int& completions;
    const bool& ended; ///< in order
    const error& failure;
    [[nodiscard]] bool over() const { return ended || failure; }

private:
    static void more(const std::shared_ptr<state>& self)
    {
        const auto asked = self->from->receive(self->buffer, [self](result<std::size_t> received) {
            ++self->completions;
            if (!received) {
                self->failure = received.error();
            } else if (*received == 0) {
                self->ended = true;
            } else {
                self->text.append(reinterpret_cast<const char*>(self->buffer.data()), *received);
                more(self);
            }
        });
        if (!asked)
            self->failure = asked.error();
    }
};

/// One send, and what became of it.
class sender {
    struct state {
        std::string text;
        bool done = false;
        error failure{};
    };
    std::shared_ptr<state> state_;

public:
    sender(stream& to, std::string what)
        : state_(std::make_shared<state>()), done(state_->done), failure(state_->failure)
    {
        state_->text = std::move(what);
        const auto asked =
            to.send(bytes_of(state_->text), [self = state_](result<std::size_t> sent) {
                self->done = true;
                if (!sent)
                    self->failure = sent.error();
            });
        if (!asked)
            state_->failure = asked.error();
    }
    sender(const sender&) = delete;
    sender& operator=(const sender&) = delete;

    const bool& done;
    const error& failure;
};

/// A link and a listener, and the two ends of the connection between them.
struct pair {
    explicit pair(world& in, link_options client_options = {}, listener_options server_options = {})
        : server(*in.server_loop, "tcp://*:5000", std::move(server_options)),
          client(*in.client_loop, "tcp://server:5000", std::move(client_options))
    {
        REQUIRE(in.until([&] { return client.up() && !server.streams.empty(); }));
    }

    stream& far() { return server.streams.back(); }
    stream& near() { return client.wire; }

    acceptor server;
    dialler client;
};

inline reconnect_options quick()
{
    reconnect_options options;
    options.base = 2ms;
    options.floor = 1ms;
    options.cap = 20ms;
    options.stable_after = 20ms;
    return options;
}

inline link_options persistent()
{
    link_options options;
    options.reconnect = quick();
    return options;
}

/// Text whose every byte tells where it belongs.
inline std::string pattern(std::size_t size)
{
    std::string text(size, '\0');
    for (std::size_t index = 0; index < size; ++index)
        text[index] = static_cast<char>(index * 31 + index / 256);
    return text;
}

} // namespace slk::sim_tests

#endif
