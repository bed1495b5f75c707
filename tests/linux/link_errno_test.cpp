// SPDX-License-Identifier: MPL-2.0
// Links and listeners with every errno of the calls below them: a link goes to backoff, or to idle
// by its policy, keeps the system's number, and connects when the fault is over.

#include "contract/harness.hpp"
#include "link/link_rig.hpp"
#include "linux/interpose.hpp"

#include <cerrno>
#include <climits>
#include <deque>
#include <string>
#include <thread>

namespace slk::link_tests {

namespace {

using linux_tests::call;
using linux_tests::injection;

/// The errors of connect(2) and tcp(7), and an unknown one. EINTR and EINPROGRESS are no failures.
constexpr int connect_errors[] = {
    EACCES,    EPERM,        EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN,     EALREADY,
    EBADF,     ECONNREFUSED, EFAULT,     EISCONN,       ENETUNREACH,  ENOTSOCK,   EPROTOTYPE,
    ETIMEDOUT, EHOSTUNREACH, ECONNRESET, ECONNABORTED,  ENETDOWN,     EHOSTDOWN,  ENOBUFS,
    ENOMEM,    EINVAL,       ENOENT,     EPROTO,        ENOPROTOOPT,  EOPNOTSUPP, 12345,
};

constexpr int accept_errors[] = {
    EINTR,  ECONNABORTED, EPROTO,      EPERM,       ENETDOWN,        ENOPROTOOPT,
    ENONET, EHOSTDOWN,    EOPNOTSUPP,  ENETUNREACH, ETIMEDOUT,       EHOSTUNREACH,
    EMFILE, ENFILE,       ENOBUFS,     ENOMEM,      EBADF,           EINVAL,
    EFAULT, ENOTSOCK,     EINPROGRESS, ENOSR,       ESOCKTNOSUPPORT, 12345,
};

/// The errors of send(2), sendmsg(2), recv(2) and recvmsg(2). EINTR and EAGAIN are no failures.
constexpr int transfer_errors[] = {
    EACCES,     EALREADY, EBADF,     ECONNREFUSED, ECONNRESET,  EDESTADDRREQ, EFAULT,
    EINVAL,     EISCONN,  ENOBUFS,   ENOMEM,       ENOTCONN,    ENOTSOCK,     EMSGSIZE,
    EOPNOTSUPP, EPIPE,    ETIMEDOUT, ENETDOWN,     ENETUNREACH, EHOSTUNREACH, 12345,
};

/// The errors of epoll_wait(2), select(2) and io_uring_enter(2).
constexpr int wait_errors[] = {
    EBADF, EFAULT, EINTR,  EINVAL,     ENOMEM, EAGAIN, EBADFD,
    EBADR, EBUSY,  EEXIST, EOPNOTSUPP, ENXIO,  12345,
};

/// The number of the call that fails.
constexpr int numbers[] = {1, 2, 10};

/// Short delays, because there are hundreds of failures here.
reconnect_options very_quick()
{
    reconnect_options options = quick();
    options.base = 1ms;
    options.floor = 0ms;
    options.cap = 2ms;
    return options;
}

struct failed_move {
    link_state to;
    error reason;
};

/// A link, and the failures on its way.
class watched_link {
public:
    watched_link(slk::loop& on, const address& to,
                 const reconnect_options& reconnect = very_quick())
        : made_(make_link(on, at(to), reconnect,
                          {.state_changed =
                               [this](const link_transition& move, const link_status& now) {
                                   if (move.reason)
                                       failures.push_back({move.to, now.last_error});
                               },
                           .connected = [this](stream s) { near = std::move(s); }}))
    {
        made_.start();
    }
    watched_link(const watched_link&) = delete;
    watched_link& operator=(const watched_link&) = delete;

    [[nodiscard]] link& get() { return made_; }
    [[nodiscard]] bool is_connected() const { return connected(made_); }

    std::vector<failed_move> failures;
    stream near;

private:
    link made_;
};

loop_options on_backend(std::string_view backend)
{
    return {.backend = std::string(backend)};
}

listener_options brief_pauses()
{
    listener_options options;
    options.at = at(address::loopback(address_family::ipv4, 0));
    options.pause = 2ms;
    return options;
}

/// A loop, and an error that each of its waits ends with.
void fail_for_ever(rig& on)
{
    const auto answer = on->run_for(1h);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().native == EBADF);
}

} // namespace

SLK_BACKEND_TEST("C9: after every error of connect a link goes to backoff with it, then connects")
{
    rig on(on_backend(backend));
    server peer(*on);
    for (const int native : connect_errors)
        for (const int number : numbers) {
            CAPTURE(native);
            CAPTURE(number);
            const injection fault(call::connect, native, number, number);
            std::deque<watched_link> links; // each of them connects, so one meets the fault
            for (int count = 0; count < number; ++count)
                links.emplace_back(*on, peer.where());
            REQUIRE(
                on.until([&] { return std::ranges::all_of(links, &watched_link::is_connected); }));
            CHECK(fault.hits() == 1);
            std::vector<failed_move> failures;
            for (const watched_link& each : links)
                failures.insert(failures.end(), each.failures.begin(), each.failures.end());
            REQUIRE(failures.size() == 1);
            CHECK(failures[0].to == link_state::backoff);
            CHECK(failures[0].reason.native == native);
            CHECK(failures[0].reason.phase == phase::connect);
            CHECK(failures[0].reason.code != errc::ok);
        }
}

SLK_BACKEND_TEST(
    "C9: after every error of connect a policy can stop the link, and start() re-arms it")
{
    rig on(on_backend(backend));
    server peer(*on);
    for (const int native : connect_errors) {
        CAPTURE(native);
        reconnect_options stopping = very_quick();
        stopping.policy.set(classify(io::os::translate(native, phase::connect)), retry_rule::stop);
        const injection fault(call::connect, native);
        watched_link dialling(*on, peer.where(), stopping);
        REQUIRE(on.until([&] { return !dialling.failures.empty(); }));
        const link_status status = dialling.get().status();
        CHECK(status.state == link_state::idle);
        CHECK(status.last_error.native == native);
        CHECK(status.last_error.phase == phase::connect);
        CHECK(status.last_error_address == peer.where());
        dialling.get().start();
        CHECK(on.until([&] { return dialling.is_connected(); }));
    }
}

SLK_BACKEND_TEST(
    "C9: after every error of accept the listener goes on and all clients are accepted")
{
    rig on(on_backend(backend));
    for (const int native : accept_errors)
        for (const int number : numbers) {
            CAPTURE(native);
            CAPTURE(number);
            std::deque<stream> accepted;
            auto made =
                listener::create(*on, brief_pauses(),
                                 {.accepted = [&](stream s) { accepted.push_back(std::move(s)); }});
            REQUIRE(made.has_value());
            std::deque<watched_link> links;
            const auto everybody_is_in = [&] {
                return accepted.size() >= links.size() &&
                       std::ranges::all_of(links, &watched_link::is_connected);
            };
            const injection fault(call::accept4, native, number, number);
            for (int count = 0; count < number || fault.hits() == 0; ++count) {
                links.emplace_back(*on, made->local_address());
                REQUIRE(on.until(everybody_is_in));
            }
            CHECK(fault.hits() == 1);
            REQUIRE(on.until([&] { return made->status().state == listener_state::listening; }));
            links.emplace_back(*on, made->local_address());
            CHECK(on.until(everybody_is_in));
        }
}

SLK_BACKEND_TEST(
    "C9: every error of send and recv ends the stream with it, and the link reconnects")
{
    rig on(on_backend(backend));
    server peer(*on);
    const auto bytes = contract::pattern(8);
    std::array<std::byte, 8> buffer{};
    for (const int native : transfer_errors)
        for (const call which : {call::send, call::recv}) {
            CAPTURE(native);
            watched_link dialling(*on, peer.where());
            REQUIRE(on.until([&] { return dialling.is_connected() && peer.streams.size() == 1; }));
            std::optional<result<std::size_t>> sent;
            std::optional<result<std::size_t>> got;
            const injection fault(which, native);
            if (which == call::send) {
                REQUIRE(dialling.near.send(bytes, [&](auto answer) { sent = answer; }).has_value());
            } else {
                REQUIRE(peer.streams[0].send(bytes, [](auto) {}).has_value());
                REQUIRE(
                    dialling.near.receive(buffer, [&](auto answer) { got = answer; }).has_value());
            }
            REQUIRE(on.until([&] { return sent.has_value() || got.has_value(); }));
            const auto& answer = sent ? *sent : *got;
            REQUIRE_FALSE(answer.has_value());
            CHECK(answer.error().native == native);
            CHECK(fault.hits() == 1);
            dialling.near.close();
            CHECK(on.until([&] {
                return dialling.is_connected() && dialling.get().status().generation == 2;
            }));
            peer.streams.clear();
        }
}

SLK_BACKEND_TEST("C9: a single error of the wait does not affect the links of the loop")
{
    rig on(on_backend(backend));
    server peer(*on);
    for (const int native : wait_errors)
        for (const int number : numbers) {
            CAPTURE(native);
            CAPTURE(number);
            const injection fault(call::wait, native, number, number);
            while (fault.hits() == 0) {
                watched_link dialling(*on, peer.where());
                REQUIRE(on.until([&] { return dialling.is_connected(); }));
                CHECK(dialling.failures.empty());
            }
            peer.streams.clear();
        }
}

SLK_BACKEND_TEST("C9: run returns the error of a wait that always fails, soon and without spinning")
{
    rig on(on_backend(backend));
    server peer(*on);
    watched_link early(*on, peer.where());
    REQUIRE(on.until([&] { return early.is_connected(); }));
    watched_link late(*on, peer.where());
    {
        const injection fault(call::wait, EBADF, 1, INT_MAX);
        fail_for_ever(on);
        CHECK(fault.hits() <= 100);
        CHECK_FALSE(on->run_for(0ns).has_value()); // and so it is when only asked to look
    }
    // Nothing is lost.
    CHECK(on.until([&] { return late.is_connected(); }));
    CHECK(early.is_connected());
    CHECK(early.failures.empty());
}

SLK_BACKEND_TEST("C9: a thread whose wait always fails runs posted functions, and can be stopped")
{
    rig on(on_backend(backend));
    server peer(*on);
    watched_link kept(*on, peer.where());
    REQUIRE(on.until([&] { return kept.is_connected(); }));
    {
        const injection fault(call::wait, EBADF, 1, INT_MAX);
        REQUIRE(on->start_thread().has_value());
        std::atomic<int> done{0};
        for (int round = 1; round <= 30; ++round) { // more than run() would stand
            REQUIRE(on->post([&] { ++done; }));
            while (done.load() < round)
                std::this_thread::yield();
        }
        on->stop();
    }
    REQUIRE(on->start_thread().has_value());
    on->stop();
    CHECK(kept.is_connected());
}

SLK_BACKEND_TEST("C9: a loop whose wait always fails ends, and makes its last calls")
{
    rig on(on_backend(backend));
    server peer(*on);
    watched_link dialling(*on, peer.where());
    REQUIRE(on.until([&] { return dialling.is_connected(); }));
    std::array<std::byte, 8> buffer{};
    std::optional<result<std::size_t>> got;
    REQUIRE(dialling.near.receive(buffer, [&](auto answer) { got = answer; }).has_value());
    CHECK(on->run_for(0ns).has_value());
    const injection fault(call::wait, EBADF, 1, INT_MAX);
    fail_for_ever(on);
    on.end();
    REQUIRE(got.has_value());
    REQUIRE_FALSE(got->has_value());
    CHECK(got->error() == errc::cancelled);
    CHECK(dialling.get().status().state == link_state::idle);
}

} // namespace slk::link_tests
