// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"
#include "linux/interpose.hpp"

#include <cerrno>
#include <optional>

using namespace slk;
using namespace slk::contract;
using namespace slk::linux_tests;

namespace {

/// A connect to a listener, and another one to see that the poller still works.
error connect_once(rig& loop, io::socket_id listener)
{
    const io::socket_id client = loop.open();
    connect_op connecting;
    loop.connect(connecting, client, loop.address_of(listener));
    REQUIRE(loop.finish(connecting));
    CHECK(connecting.completions == 1);
    loop->close(client);
    return connecting.failure;
}

constexpr int connect_errors[] = {
    EACCES,    EPERM,        EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN,    EALREADY,
    EBADF,     ECONNREFUSED, EFAULT,     EISCONN,       ENETUNREACH,  ENOTSOCK,  EPROTOTYPE,
    ETIMEDOUT, EHOSTUNREACH, ECONNRESET, ECONNABORTED,  ENETDOWN,     EHOSTDOWN, ENOBUFS,
    ENOMEM,    EINVAL,       EOPNOTSUPP, ENODEV,        EIO,          12345,
};

constexpr int passing_accept_errors[] = {
    EINTR,       ECONNABORTED, EPROTO, EPERM,           ENETDOWN,
    ENOPROTOOPT, EHOSTDOWN,    ENONET, EHOSTUNREACH,    EOPNOTSUPP,
    ENETUNREACH, ETIMEDOUT,    ENOSR,  ESOCKTNOSUPPORT, EPROTONOSUPPORT,
};

constexpr int lasting_accept_errors[] = {EMFILE, ENFILE,   ENOBUFS, ENOMEM, EBADF,
                                         EINVAL, ENOTSOCK, EFAULT,  EIO};

constexpr int transfer_errors[] = {
    EACCES,       EBADF,    ECONNRESET,  ECONNREFUSED, EDESTADDRREQ, EFAULT,     EINVAL, EISCONN,
    EMSGSIZE,     ENOBUFS,  ENOMEM,      ENOTCONN,     ENOTSOCK,     EOPNOTSUPP, EPIPE,  ETIMEDOUT,
    EHOSTUNREACH, ENETDOWN, ENETUNREACH, ENETRESET,    EIO,          EALREADY,
};

/// The errors of epoll_wait(2), select(2) and io_uring_enter(2), and an unknown one, except those
/// after which the backend tries again.
constexpr int wait_errors[] = {EBADF, EFAULT, EINVAL,     ENOMEM, EBADFD,
                               EBADR, EEXIST, EOPNOTSUPP, ENXIO,  EPERM + 10000};

/// The number of the call that fails.
constexpr int numbers[] = {1, 2, 10};

} // namespace

SLK_BACKEND_TEST("C9: every errno of connect, at once, is a completion with its number kept")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    for (const int native : connect_errors)
        for (const int number : numbers) {
            CAPTURE(native);
            injection fault(call::connect, native, number, number);
            for (int attempt = 1; attempt <= number; ++attempt) {
                const error failure = connect_once(loop, listener);
                if (attempt == number) {
                    CHECK(failure.code != errc::ok);
                    CHECK(failure.native == native);
                    CHECK(failure.phase == phase::connect);
                } else {
                    CHECK(failure == errc::ok);
                }
            }
            CHECK(fault.hits() == 1);
        }
    CHECK(connect_once(loop, listener) == errc::ok);
}

SLK_BACKEND_TEST_EXCEPT(
    "io_uring", "C9: every errno that SO_ERROR may hold ends the connect with its number kept")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    for (const int native : connect_errors) {
        CAPTURE(native);
        injection fault(call::so_error, native);
        const error failure = connect_once(loop, listener);
        CHECK(failure.code != errc::ok);
        CHECK(failure.native == native);
        CHECK(fault.hits() == 1);
    }
    CHECK(connect_once(loop, listener) == errc::ok);
}

SLK_BACKEND_TEST("E12: EAGAIN of connect means that there is no local port, not try again")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    for (const int native : {EAGAIN, EADDRNOTAVAIL, EADDRINUSE}) {
        injection fault(call::connect, native);
        CHECK(connect_once(loop, listener) == errc::no_local_port);
    }
}

SLK_BACKEND_TEST("E9: an interrupted connect goes on, and connect is called once")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    reset_counts();
    injection fault(call::connect, EINTR);
    fault.after_the_call();
    CHECK(connect_once(loop, listener) == errc::ok);
    CHECK(count_of(call::connect) == 1);
    CHECK(fault.hits() == 1);
}

SLK_BACKEND_TEST_EXCEPT("io_uring", "C7: SO_ERROR is read once per attempt, refused or connected")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const address dead = loop.dead_address();
    for (int round = 0; round < 50; ++round) {
        for (const address& target : {loop.address_of(listener), dead}) {
            const io::socket_id client = loop.open();
            connect_op connecting;
            reset_counts();
            loop.connect(connecting, client, target);
            REQUIRE(loop.finish(connecting));
            loop.turns(2);
            CHECK(count_of(call::so_error) == 1);
            CHECK(connecting.failure == (target == dead ? errc::connection_refused : errc::ok));
            loop->close(client);
        }
    }
}

SLK_BACKEND_TEST_EXCEPT(
    "io_uring", "C6: writable without an error and without a peer means wait, not connected")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    accept_op accepting;
    loop.accept(accepting, listener);
    const io::socket_id client = loop.open();
    connect_op connecting;
    {
        injection fault(call::getpeername, ENOTCONN, 1, INT_MAX);
        loop.connect(connecting, client, loop.address_of(listener));
        REQUIRE(loop.finish(accepting));
        loop.run_until([&] { return fault.hits() != 0; });
        loop.turns(2);
        CHECK(fault.hits() != 0);
        CHECK(connecting.in_flight());
    }
    REQUIRE(loop.send_all(accepting.accepted, pattern(1))); // the next event
    REQUIRE(loop.finish(connecting));
    CHECK(connecting.failure == errc::ok);
}

SLK_BACKEND_TEST("E7: accept errors of a single connection are skipped")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    for (const int native : passing_accept_errors) {
        CAPTURE(native);
        injection fault(call::accept4, native, 1, 2);
        const socket_pair link = loop.connect_pair(listener);
        CHECK(fault.hits() == 2);
        loop->close(link.client);
        loop->close(link.server);
    }
}

SLK_BACKEND_TEST("E7: a storm of accept errors is bounded, reported, and does not spin")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    for (const int native : passing_accept_errors) {
        CAPTURE(native);
        accept_op accepting;
        {
            injection fault(call::accept4, native, 1, INT_MAX);
            loop.accept(accepting, listener);
            REQUIRE(loop.finish(accepting));
            CHECK(accepting.failure.code != errc::ok);
            CHECK(accepting.failure.native == native);
            const int hits = fault.hits();
            CHECK(hits <= 32);
            loop.turns(20);
            CHECK(fault.hits() == hits);
        }
        const socket_pair link = loop.connect_pair(listener);
        loop->close(link.client);
        loop->close(link.server);
    }
}

SLK_BACKEND_TEST("E7: accept errors of this machine or of the listener are completions")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    for (const int native : lasting_accept_errors)
        for (const int number : numbers) {
            CAPTURE(native);
            CAPTURE(number);
            // All connections are there, so that each accept is one call.
            std::deque<connect_op> connecting(static_cast<std::size_t>(number));
            for (connect_op& op : connecting) {
                loop.connect(op, loop.open(), loop.address_of(listener));
                REQUIRE(loop.finish(op));
            }
            injection fault(call::accept4, native, number, number);
            for (int count = 1; count <= number + 1; ++count) {
                accept_op accepting;
                loop.accept(accepting, listener);
                REQUIRE(loop.finish(accepting));
                CHECK(accepting.failure.native == (count == number ? native : 0));
                const bool descriptors = native == EMFILE || native == ENFILE;
                CHECK((accepting.failure == errc::too_many_descriptors) ==
                      (count == number && descriptors));
                loop->close(accepting.accepted);
            }
            CHECK(fault.hits() == 1);
            for (const connect_op& op : connecting)
                loop->close(op.socket);
        }
}

SLK_BACKEND_TEST("E7: an accept error of a single connection is skipped whenever it comes")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    for (const int native : passing_accept_errors)
        for (const int number : numbers) {
            CAPTURE(native);
            CAPTURE(number);
            injection fault(call::accept4, native, number, number);
            while (fault.hits() == 0) {
                const socket_pair link = loop.connect_pair(listener);
                loop->close(link.client);
                loop->close(link.server);
            }
        }
}

SLK_BACKEND_TEST("C9: every errno of send and recv is a completion with its number kept")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    const auto bytes = pattern(8);
    for (const int native : transfer_errors)
        for (const int number : numbers) {
            CAPTURE(native);
            CAPTURE(number);
            for (const bool gathers : {false, true}) { // send(2) and sendmsg(2)
                injection fault(call::send, native, number, number);
                const std::array parts{std::span<const std::byte>(bytes).first(gathers ? 1 : 8),
                                       std::span<const std::byte>(bytes).last(gathers ? 7 : 0)};
                for (int count = 1; count <= number; ++count) {
                    send_op sending;
                    loop->send(sending, link.client, parts);
                    REQUIRE(loop.finish(sending));
                    CHECK(sending.failure.native == (count == number ? native : 0));
                    CHECK((sending.failure == errc::ok) == (count != number));
                }
                CHECK(fault.hits() == 1);
            }
            // All bytes are there, so that each receive is one call.
            REQUIRE(loop.receive_all(link.server, 16u * static_cast<unsigned>(number - 1)).size() ==
                    16u * static_cast<unsigned>(number - 1));
            REQUIRE(loop.send_all(link.client, pattern(static_cast<std::size_t>(number))));
            std::array<std::byte, 1> byte{};
            injection fault(call::recv, native, number, number);
            for (int count = 1; count <= number + 1; ++count) {
                receive_op receiving;
                loop.receive(receiving, link.server, byte);
                REQUIRE(loop.finish(receiving));
                CHECK(receiving.failure.native == (count == number ? native : 0));
                CHECK((receiving.failure == errc::ok) == (count != number));
            }
            CHECK(fault.hits() == 1);
        }
}

SLK_BACKEND_TEST("C9: an interrupted send or recv is carried on")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    {
        injection fault(call::send, EINTR, 1, 3);
        REQUIRE(loop.send_all(link.client, pattern(8)));
        CHECK(fault.hits() == 3);
    }
    injection fault(call::recv, EINTR, 1, 3);
    CHECK(loop.receive_all(link.server, 8) == pattern(8));
    CHECK(fault.hits() == 3);
}

SLK_BACKEND_TEST("C9: an error of the wait is a value, and an interruption is no error")
{
    rig loop(backend);
    for (const int native : wait_errors)
        for (const int number : numbers) {
            CAPTURE(native);
            CAPTURE(number);
            injection fault(call::wait, native, number, number);
            // Not counted: the kernel's work for a ring that has ended may interrupt.
            while (fault.hits() == 0) {
                const auto answer = loop.turn(100us);
                REQUIRE(answer.has_value() == (fault.hits() == 0));
                if (!answer)
                    CHECK(answer.error().native == native);
            }
        }
    const time_point start = loop->refresh_now();
    injection fault(call::wait, EINTR, 1, 10);
    CHECK(loop->turn(after(start, 20ms)).has_value());
    CHECK(fault.hits() == 10);
    CHECK(loop->refresh_now() - start >= 20ms);
}

SLK_BACKEND_TEST(
    "after a stop of the process what has arrived comes before the timers that are late")
{
    // Each look at it is a second later.
    class fast_clock final : public clock {
    public:
        time_point now() noexcept override { return time += step; }
        time_point now_with_suspend() noexcept override { return time; }
        time_point time{1h};
        duration step{};
    };
    fast_clock time;
    rig loop(backend, time);
    const socket_pair link = loop.connect_pair();
    std::string order;
    std::array<std::byte, 8> buffer{};
    receive_op receiving;
    receiving.then = [&] { order += "received "; };
    tracked_timer timer;
    timer.then = [&] { order += "fired "; };
    loop.receive(receiving, link.client, buffer);
    loop.turns(2);
    REQUIRE(::send(static_cast<int>(loop->handle_of(link.server)), "data", 4, MSG_NOSIGNAL) == 4);
    loop->arm(timer, after(loop->refresh_now(), 1s));
    time.step = 1s;
    {
        // SIGSTOP and SIGCONT interrupt the wait (signal(7)).
        injection fault(call::wait, EINTR);
        CHECK(loop.turn(1h).has_value());
    }
    CHECK(order == "received fired ");
    time.step = {};
}

SLK_BACKEND_TEST("E9: interruptions that never stop end the turn, and tasks and timers run")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    injection fault(call::wait, EINTR, 1, INT_MAX);
    tracked_timer timer;
    loop->arm(timer, after(loop->refresh_now(), 1ms));
    CHECK(loop.run_until([&] { return timer.firings == 1; }));
    loop->close(link.client);
    CHECK(loop.turn(1h).has_value());
}

SLK_BACKEND_TEST(
    "C15: a poller whose wait always fails still ends, and its memory is not written to later")
{
    for (const int native : {EBADF, EINTR}) {
        rig peers(backend);
        const io::socket_id listener = peers.listen();
        rig loop(backend);
        std::array<std::byte, 8> buffer{};
        accept_op accepted;
        connect_op connected;
        peers.accept(accepted, listener);
        loop.connect(connected, loop.open(), peers.address_of(listener));
        REQUIRE(loop.finish(connected));
        REQUIRE(peers.finish(accepted));
        std::array<receive_op, 2> receiving;
        accept_op accepting;
        for (receive_op& op : receiving)
            loop.receive(op, connected.socket, buffer);
        loop.accept(accepting, loop.listen());
        loop.turns(1);
        {
            injection fault(call::wait, native, 1, INT_MAX);
            loop.end();
            if (native != EINTR) // tried again without a pause, up to a limit
                CHECK(fault.hits() < 100);
        }
        for (const receive_op& op : receiving) {
            CHECK(op.completions == 1);
            CHECK(op.failure == errc::cancelled);
        }
        CHECK(accepting.completions == 1);
        CHECK(accepting.failure == errc::cancelled);
        // Its sockets are closed, and bytes that are sent now arrive nowhere.
        (void)peers.send_all(accepted.accepted, pattern(8));
        receive_op end;
        std::array<std::byte, 1> byte{};
        peers.receive(end, accepted.accepted, byte);
        REQUIRE(peers.finish(end));
        CHECK(end.transferred == 0);
        CHECK(buffer == std::array<std::byte, 8>{});
    }
}

SLK_BACKEND_TEST_EXCEPT(
    "io_uring",
    "E18: a wait of less than a millisecond does not spin, with epoll_pwait2 or without")
{
    for (const int native : {ENOSYS, EPERM}) {
        rig loop(backend);
        std::optional<injection> fault;
        if (backend == "epoll")
            fault.emplace(call::wait, native);
        for (int round = 0; round < 10; ++round) {
            tracked_timer timer;
            const time_point deadline = after(loop->refresh_now(), 300us);
            loop->arm(timer, deadline);
            int turns = 0;
            reset_counts();
            while (timer.firings == 0 && turns < 1000) {
                CHECK(loop->turn(never).has_value());
                ++turns;
            }
            CHECK(turns <= 2);
            CHECK(count_of(call::wait) <= 3);
            CHECK(system_clock_source().now() >= deadline);
        }
    }
}

SLK_BACKEND_TEST("C9: a socket that cannot be opened or watched is an error value")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    for (const int native : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EAFNOSUPPORT}) {
        injection fault(call::socket, native);
        const auto opened = loop->open(address_family::ipv4);
        REQUIRE(!opened.has_value());
        CHECK(opened.error().native == native);
    }
    for (const int native : {ENOMEM, ENOSPC}) {
        if (backend != "epoll")
            break;
        injection fault(call::epoll_ctl, native);
        const error failure = connect_once(loop, listener);
        CHECK(failure == errc::out_of_memory);
        CHECK(failure.native == native);
    }
    for (const int native : {EMFILE, ENFILE, ENOMEM}) {
        injection fault(call::eventfd, native);
        const auto made = io::make_poller(system_clock_source(), backend);
        REQUIRE(!made.has_value());
        CHECK(made.error().native == native);
    }
}

SLK_BACKEND_TEST_EXCEPT("io_uring",
                        "A connect costs nine system calls, from its socket to its close")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    (void)connect_once(loop, listener);
    const address target = loop.address_of(listener);
    reset_counts();
    const io::socket_id client = loop.open();
    connect_op connecting;
    loop.connect(connecting, client, target);
    int turns = 0;
    while (!connecting.done()) {
        loop.turn(1s);
        ++turns;
    }
    loop->close(client);
    CHECK(count_of(call::socket) == 1);
    CHECK(count_of(call::setsockopt) == 0);
    CHECK(count_of(call::connect) == 1);
    CHECK(count_of(call::wait) == turns);
    CHECK(count_of(call::so_error) == 1);
    CHECK(count_of(call::getpeername) == 1);
    CHECK(count_of(call::epoll_ctl) == (backend == "epoll" ? 2 : 0));
}
