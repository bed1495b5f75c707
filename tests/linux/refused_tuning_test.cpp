// SPDX-License-Identifier: MPL-2.0
// Options that pass validate() and that the system then refuses.

#include "contract/harness.hpp"
#include "link/link_rig.hpp"
#include "linux/interpose.hpp"

#include <cerrno>
#include <string>

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace slk::link_tests {

namespace {

using linux_tests::call;
using linux_tests::injection;

struct socket_setting {
    int level;
    int name;
    const char* detail;
};

constexpr socket_setting set_after_connect[] = {
    {SOL_SOCKET, SO_KEEPALIVE, "tuning.keep_alive"},
    {IPPROTO_TCP, TCP_KEEPIDLE, "tuning.keep_alive.idle"},
    {IPPROTO_TCP, TCP_KEEPINTVL, "tuning.keep_alive.interval"},
    {IPPROTO_TCP, TCP_KEEPCNT, "tuning.keep_alive.count"},
    {IPPROTO_IP, IP_TOS, "tuning.type_of_service"},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, "tuning.user_timeout"},
};

constexpr socket_setting set_before_connect[] = {
    {SOL_SOCKET, SO_SNDBUF, "tuning.send_buffer"},
    {SOL_SOCKET, SO_RCVBUF, "tuning.receive_buffer"},
    {SOL_SOCKET, SO_BINDTODEVICE, "tuning.device"},
};

tuning_options everything()
{
    tuning_options tuning;
    tuning.keep_alive.emplace();
    tuning.send_buffer = 20'000;
    tuning.receive_buffer = 20'000;
    tuning.type_of_service = 0x10;
    tuning.user_timeout = 10s;
    return tuning;
}

/// Sets no option of accepted sockets, so that every setsockopt is the link's.
class plain_server {
public:
    explicit plain_server(slk::loop& on)
    {
        listener_options options;
        options.at = at(address::loopback(address_family::ipv4, 0));
        options.tuning.no_delay = false;
        auto made = listener::create(
            on, options, {.accepted = [this](stream s) { streams.push_back(std::move(s)); }});
        REQUIRE(made.has_value());
        listening.emplace(std::move(*made));
    }
    plain_server(const plain_server&) = delete;
    plain_server& operator=(const plain_server&) = delete;

    [[nodiscard]] address where() const { return listening->local_address(); }

    std::vector<stream> streams;
    std::optional<listener> listening;
};

/// A link, its moves, and the number of its connections.
struct observed_link {
    observed_link(slk::loop& on, const link_options& options)
    {
        auto created =
            link::create(on, options,
                         {.state_changed = [this](const link_transition& move,
                                                  const link_status&) { moves.push_back(move); },
                          .connected =
                              [this](stream s) {
                                  ++handed_over;
                                  near = std::move(s);
                              }});
        REQUIRE(created.has_value());
        made.emplace(std::move(*created));
        made->start();
    }
    observed_link(const observed_link&) = delete;
    observed_link& operator=(const observed_link&) = delete;

    [[nodiscard]] bool is_idle_after_one_attempt() const
    {
        return made->status().attempt == 1 && made->status().state == link_state::idle;
    }

    std::vector<link_transition> moves;
    int handed_over = 0;
    stream near;
    std::optional<link> made;
};

std::size_t count_descriptors()
{
    std::size_t count = 0;
    DIR* const folder = ::opendir("/proc/self/fd");
    REQUIRE(folder != nullptr);
    while (::readdir(folder) != nullptr)
        ++count;
    ::closedir(folder);
    return count;
}

} // namespace

SLK_BACKEND_TEST("an option that is refused after connect ends the attempt, and the next connects")
{
    for (const socket_setting& setting : set_after_connect) {
        CAPTURE(setting.detail);
        rig on({.backend = std::string(backend)});
        plain_server peer(*on);
        injection fault(call::setsockopt, ENOPROTOOPT);
        fault.of_option(setting.level, setting.name);
        const observed_link dialling(
            *on, {.to = at(peer.where()), .reconnect = quick(), .tuning = everything()});
        REQUIRE(on.until([&] { return connected(*dialling.made) && peer.streams.size() == 2; }));
        CHECK(fault.hits() == 1);
        CHECK(dialling.handed_over == 1);
        CHECK(dialling.made->status().attempt == 2);

        REQUIRE(dialling.moves.size() >= 4);
        const link_transition& refused = dialling.moves[3];
        CHECK(refused.from == link_state::tuning);
        CHECK(refused.to == link_state::backoff);
        CHECK(refused.event == link_event::failed);
        CHECK(refused.reason.phase == phase::tune);
        CHECK(refused.reason.native == ENOPROTOOPT);
        REQUIRE(refused.reason.detail != nullptr);
        CHECK(std::string(refused.reason.detail) == setting.detail);

        // The peer sees the end of the refused socket only.
        std::array<std::byte, 1> bytes[2]{};
        std::optional<result<std::size_t>> ends[2];
        for (std::size_t which : {0u, 1u})
            REQUIRE(peer.streams[which]
                        .receive(bytes[which], [&, which](auto got) { ends[which] = got; })
                        .has_value());
        CHECK(on.until([&] { return ends[0].has_value(); }));
        CHECK_FALSE(ends[1].has_value());
        on.end();
    }
}

SLK_BACKEND_TEST("a default that is refused does not end the attempt")
{
    rig on({.backend = std::string(backend)});
    plain_server peer(*on);
    injection fault(call::setsockopt, EINVAL, 1, INT_MAX);
    fault.of_option(IPPROTO_TCP, TCP_NODELAY);
    const observed_link dialling(*on, {.to = at(peer.where()), .reconnect = quick()});
    REQUIRE(on.until([&] { return connected(*dialling.made); }));
    CHECK(fault.hits() == 1);
    CHECK(dialling.made->status().attempt == 1);
    CHECK_FALSE(dialling.made->status().last_error);
}

SLK_BACKEND_TEST("an option that is refused because the connection was reset counts as a reset")
{
    // As macOS does: every option is EINVAL, and there is no peer.
    rig on({.backend = std::string(backend)});
    plain_server peer(*on);
    injection fault(call::setsockopt, EINVAL);
    fault.of_option(IPPROTO_TCP, TCP_USER_TIMEOUT).without_peer();
    link_options options{.to = at(peer.where()), .reconnect = quick()};
    options.tuning.user_timeout = 10s;
    const observed_link dialling(*on, options);
    REQUIRE(on.until([&] { return connected(*dialling.made); }));
    REQUIRE(dialling.moves.size() >= 4);
    const link_transition& refused = dialling.moves[3];
    CHECK(refused.from == link_state::tuning);
    CHECK(refused.reason == errc::connection_reset);
    CHECK(refused.reason.native == EINVAL);
    CHECK(refused.reason.phase == phase::tune);
    REQUIRE(refused.reason.detail != nullptr);
    CHECK(std::string(refused.reason.detail) == "tuning.user_timeout");
}

SLK_BACKEND_TEST("an option that is refused before connect ends the attempt by its name")
{
    for (const socket_setting& setting : set_before_connect) {
        CAPTURE(setting.detail);
        rig on({.backend = std::string(backend)});
        plain_server peer(*on);
        injection fault(call::setsockopt, EPERM);
        fault.of_option(setting.level, setting.name);
        link_options options{.to = at(peer.where()), .reconnect = quick(), .tuning = everything()};
        options.tuning.device = "lo";
        options.reconnect.policy.set(failure_class::permission, retry_rule::stop);
        const observed_link dialling(*on, options);
        REQUIRE(on.until([&] { return dialling.is_idle_after_one_attempt(); }));
        CHECK(fault.hits() == 1);
        CHECK(dialling.moves.back().from == link_state::binding);
        const error why = dialling.made->status().last_error;
        CHECK(why == errc::permission_denied);
        CHECK(why.phase == phase::tune);
        CHECK(why.native == EPERM);
        REQUIRE(why.detail != nullptr);
        CHECK(std::string(why.detail) == setting.detail);
        CHECK(peer.streams.empty());
    }
}

SLK_BACKEND_TEST("X5: a refused option is retried by the policy, and no descriptor stays open")
{
    rig on({.backend = std::string(backend)});
    plain_server peer(*on);
    link_options options{.to = at(peer.where()), .reconnect = quick(), .tuning = everything()};
    options.reconnect.policy.set(failure_class::unsupported, retry_rule::stop);
    const std::size_t before = count_descriptors();
    constexpr std::size_t count = 100;
    {
        injection fault(call::setsockopt, EOPNOTSUPP, 1, INT_MAX);
        fault.of_option(IPPROTO_TCP, TCP_USER_TIMEOUT);
        std::vector<std::unique_ptr<observed_link>> links;
        for (std::size_t number = 0; number < count; ++number)
            links.push_back(std::make_unique<observed_link>(*on, options));
        REQUIRE(on.until([&] {
            for (const auto& each : links)
                if (!each->is_idle_after_one_attempt())
                    return false;
            return peer.streams.size() == count;
        }));
        peer.streams.clear();
        CHECK(count_descriptors() == before);
        for (const auto& each : links) {
            CHECK(each->made->status().last_error == errc::not_supported);
            CHECK(each->made->status().last_error_address == peer.where());
            CHECK(each->handed_over == 0);
        }
    }
    const observed_link afterwards(*on, options);
    CHECK(on.until([&] { return connected(*afterwards.made); }));
}

SLK_BACKEND_TEST("an accepted connection whose tuning is refused is reset, counted and named")
{
    for (const socket_setting& setting : set_after_connect) {
        CAPTURE(setting.detail);
        rig on({.backend = std::string(backend)});
        std::vector<stream> accepted;
        listener_options options;
        options.at = at(address::loopback(address_family::ipv4, 0));
        options.tuning = everything();
        auto peer = listener::create(
            *on, options, {.accepted = [&](stream s) { accepted.push_back(std::move(s)); }});
        REQUIRE(peer.has_value());
        injection fault(call::setsockopt, ENOPROTOOPT);
        fault.of_option(setting.level, setting.name);
        link_options to_peer{.to = at(peer->local_address()), .reconnect = quick()};
        to_peer.tuning.no_delay = false;
        const observed_link dialling(*on, to_peer);
        std::array<std::byte, 1> byte{};
        REQUIRE(on.until([&] { return dialling.handed_over == 1; }));
        // Only a stream with a receive notices the reset.
        std::optional<result<std::size_t>> end;
        auto& near = const_cast<stream&>(dialling.near);
        REQUIRE(near.receive(byte, [&](auto got) { end = got; }).has_value());
        REQUIRE(on.until([&] { return end.has_value() && dialling.handed_over == 2; }));
        CHECK(end->error() == errc::connection_reset);
        REQUIRE(on.until([&] { return accepted.size() == 1; }));
        CHECK(fault.hits() == 1);
        const listener_status status = peer->status();
        CHECK(status.accepted == 1);
        CHECK(status.failed == 1);
        CHECK(status.last_error.phase == phase::tune);
        REQUIRE(status.last_error.detail != nullptr);
        CHECK(std::string(status.last_error.detail) == setting.detail);
        on.end();
    }
}

} // namespace slk::link_tests
