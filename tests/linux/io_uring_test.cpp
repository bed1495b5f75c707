// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"
#include "linux/interpose.hpp"
#include "linux/interpose_ring.hpp"

#include "io/backend/io_uring/awaited_receives.hpp"

#include "support/skip.hpp"

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <liburing.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace slk;
using namespace slk::contract;
using namespace slk::linux_tests;

namespace {

/// Returns true once the peer of this descriptor has closed or reset its end.
bool hears_the_end(int fd)
{
    for (int tries = 0; tries < 1000; ++tries) {
        char byte = 0;
        const ssize_t count = ::recv(fd, &byte, 1, MSG_DONTWAIT);
        if (count == 0 || (count < 0 && errno == ECONNRESET))
            return true;
        ::usleep(1000);
    }
    return false;
}

} // namespace

TEST_CASE("U1: the peer notices a close with a receive under way, which takes no bytes later")
{
    for (const io::close_mode mode : {io::close_mode::graceful, io::close_mode::reset}) {
        rig loop(here);
        const socket_pair link = loop.connect_pair();
        std::array<std::byte, 8> buffer{};
        receive_op receiving;
        loop.receive(receiving, link.client, buffer);
        loop.turns(1);
        const int peer = static_cast<int>(loop->handle_of(link.server));
        const int descriptor = static_cast<int>(loop->handle_of(link.client));
        loop->close(link.client, mode);
        CHECK(::fcntl(descriptor, F_GETFD) == -1); // closed already, before any turn
        CHECK(hears_the_end(peer));
        (void)::send(peer, "late", 4, MSG_NOSIGNAL);
        REQUIRE(loop.finish(receiving));
        CHECK(receiving.failure == errc::cancelled);
        CHECK(buffer == std::array<std::byte, 8>{});
    }
}

TEST_CASE("U1: the peer notices a close although another thread's request holds the socket")
{
    for (const io::close_mode mode : {io::close_mode::graceful, io::close_mode::reset}) {
        rig loop(here);
        const socket_pair link = loop.connect_pair();
        std::array<std::byte, 8> buffer{};
        receive_op receiving;
        receive_op second;
        std::mutex guard;
        std::condition_variable changed;
        bool submitted = false;
        bool end = false;
        std::thread submitter([&] {
            loop.receive(receiving, link.client, buffer);
            loop.receive(second, link.client, buffer);
            loop.turns(1);
            std::unique_lock lock(guard);
            submitted = true;
            changed.notify_all();
            changed.wait(lock, [&] { return end; });
        });
        {
            std::unique_lock lock(guard);
            changed.wait(lock, [&] { return submitted; });
        }
        const int peer = static_cast<int>(loop->handle_of(link.server));
        loop->close(link.client, mode);
        CHECK(hears_the_end(peer));
        REQUIRE(loop.run_until([&] { return receiving.done() && second.done(); }));
        CHECK(receiving.failure == errc::cancelled);
        CHECK(second.failure == errc::cancelled);
        {
            const std::unique_lock lock(guard);
            end = true;
            changed.notify_all();
        }
        submitter.join();
    }
}

TEST_CASE("U12: requests of a thread go on when that thread has ended")
{
    rig loop(here);
    const io::socket_id listener = loop.listen();
    const socket_pair link = loop.connect_pair(listener);
    std::array<std::byte, 8> buffer{};
    receive_op receiving;
    accept_op accepting;
    std::thread([&] {
        loop.receive(receiving, link.client, buffer);
        loop.accept(accepting, listener);
        loop.turns(2);
    }).join();
    loop.turns(2);
    CHECK(receiving.in_flight());
    loop->wake(); // for the thread that runs the loop now
    CHECK(loop.turn(10s).has_value());

    connect_op connecting;
    const io::socket_id client = loop.open();
    loop.connect(connecting, client, loop.address_of(listener));
    REQUIRE(loop.send_all(link.server, pattern(8)));
    REQUIRE(
        loop.run_until([&] { return receiving.done() && accepting.done() && connecting.done(); }));
    CHECK(receiving.failure == errc::ok);
    CHECK(receiving.transferred == 8);
    CHECK(accepting.failure == errc::ok);
    CHECK(connecting.failure == errc::ok);
}

TEST_CASE("U2: a cancel does not affect a later socket with the same number")
{
    rig loop(here);
    for (int round = 0; round < rounds(100); ++round) {
        const socket_pair first = loop.connect_pair();
        std::array<std::byte, 8> buffer{};
        receive_op receiving;
        loop.receive(receiving, first.client, buffer);
        loop.turns(1);
        loop->cancel(receiving);
        loop->close(first.client);
        const socket_pair second = loop.connect_pair();
        receive_op innocent;
        loop.receive(innocent, second.client, buffer);
        REQUIRE(loop.finish(receiving));
        CHECK(receiving.failure == errc::cancelled);
        REQUIRE(loop.send_all(second.server, pattern(8)));
        REQUIRE(loop.finish(innocent));
        CHECK(innocent.failure == errc::ok);
    }
}

TEST_CASE("U3: a cancelled connect whose socket is closed does not connect later")
{
    rig loop(here);
    const io::socket_id listener = loop.listen(address_family::ipv4, 0);
    const address target = loop.address_of(listener);
    std::deque<connect_op> fillers(3); // more than the queue holds: the last ones stay pending
    for (connect_op& filler : fillers)
        loop.connect(filler, loop.open(), target);
    loop.turns(3);
    connect_op& pending = fillers.back();
    REQUIRE(pending.in_flight());
    loop->cancel(pending);
    REQUIRE(loop.finish(pending));
    CHECK(pending.failure == errc::cancelled);
    loop->close(pending.socket);
    for (connect_op& filler : fillers)
        if (filler.in_flight())
            loop->close(filler.socket);
    // Room for all, and time for a repeated SYN: only the connected sockets come.
    std::size_t established = 0;
    for (const connect_op& filler : fillers)
        established += filler.done() && !filler.failure ? 1U : 0U;
    std::size_t accepted = 0;
    accept_op accepting;
    for (;;) {
        loop.accept(accepting, listener);
        if (!loop.run_until([&] { return accepting.done(); }, 1500ms))
            break;
        accepted += accepting.failure ? 0U : 1U;
    }
    CHECK(accepted == established);
    loop.end();
}

TEST_CASE("U4: the operation ends once for every result of its cancellation, in either order")
{
    // The cancellation only returns a result, so its completion comes first, and the operation's
    // comes from the repeated cancellation, or from its own success.
    for (const int result : {0, -ENOENT, -EALREADY}) {
        CAPTURE(result);
        rig loop(here);
        const socket_pair link = loop.connect_pair();
        std::array<std::byte, 8> buffer{};
        receive_op receiving;
        for (const bool data : {false, true}) {
            receiving.completions = 0;
            loop.receive(receiving, link.client, buffer);
            loop.turns(1);
            const ring_answer answer(IORING_OP_ASYNC_CANCEL, result, 3);
            if (data)
                REQUIRE(loop.send_all(link.server, pattern(8)));
            loop->cancel(receiving);
            REQUIRE(loop.finish(receiving));
            loop.turns(3);
            CHECK(receiving.completions == 1);
            if (!data)
                CHECK(receiving.failure == errc::cancelled);
        }
    }
    // The operation completes first, and is not over before its cancellation has completed, which
    // has its address.
    for (const int result : {0, -ENOENT, -EALREADY}) {
        for (const bool data : {false, true}) {
            CAPTURE(result);
            CAPTURE(data);
            rig loop(here);
            const socket_pair link = loop.connect_pair();
            std::array<std::byte, 8> buffer{};
            receive_op receiving;
            loop.receive(receiving, link.client, buffer);
            loop.turns(1);
            ring_answer answer(IORING_OP_ASYNC_CANCEL, result);
            answer.late();
            loop->cancel(receiving);
            loop.turns(1);
            if (data)
                REQUIRE(loop.send_all(link.server, pattern(8)));
            else
                REQUIRE(::shutdown(static_cast<int>(loop->handle_of(link.client)), SHUT_RD) == 0);
            loop.turns(3);
            CHECK(receiving.in_flight());
            REQUIRE(loop.finish(receiving));
            CHECK(receiving.failure == errc::ok); // the end of the stream is one too
            CHECK(receiving.transferred == (data ? 8 : 0));
            loop.turns(3);
            CHECK(receiving.completions == 1);
            CHECK(answer.hits() == 1);
        }
    }
    // The operation's own results.
    for (const int result : {-ECANCELED, -EINTR}) {
        rig loop(here);
        const socket_pair link = loop.connect_pair();
        std::array<std::byte, 8> buffer{};
        receive_op receiving;
        const ring_answer answer(IORING_OP_RECV, result);
        loop.receive(receiving, link.client, buffer);
        loop->cancel(receiving);
        REQUIRE(loop.finish(receiving));
        CHECK(answer.hits() == 1);
        CHECK(receiving.failure == errc::cancelled);
        CHECK(receiving.completions == 1);
    }
}

TEST_CASE("U5: an accept without a free descriptor ends, and is not repeated")
{
    rig loop(here);
    const io::socket_id listener = loop.listen();
    const ring_answer answer(IORING_OP_ACCEPT, -EMFILE);
    accept_op accepting;
    loop.accept(accepting, listener);
    REQUIRE(loop.finish(accepting));
    CHECK(accepting.failure == errc::too_many_descriptors);
    const int asked = requests_of(IORING_OP_ACCEPT);
    loop.turns(5);
    CHECK(requests_of(IORING_OP_ACCEPT) == asked);
    (void)loop.connect_pair(listener);
}

TEST_CASE("U6: the descriptor limit of an accept is fixed when it is submitted")
{
    rig loop(here);
    const io::socket_id listener = loop.listen();
    const io::socket_id clients[] = {loop.open(), loop.open()};
    std::array<connect_op, 2> connecting;
    accept_op early;
    accept_op late;
    loop.accept(early, listener);
    loop.turns(1);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit lowered = before;
    lowered.rlim_cur = 1; // every free number is above it
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lowered) == 0);
    loop.connect(connecting[0], clients[0], loop.address_of(listener));
    loop.connect(connecting[1], clients[1], loop.address_of(listener));
    const bool taken = loop.finish(early);
    loop.accept(late, listener);
    const bool refused = loop.finish(late);
    ::setrlimit(RLIMIT_NOFILE, &before);
    REQUIRE(taken);
    CHECK(early.failure == errc::ok);
    REQUIRE(refused);
    CHECK(late.failure == errc::too_many_descriptors);
    loop.accept(late, listener); // a raised limit counts at once
    REQUIRE(loop.finish(late));
    CHECK(late.failure == errc::ok);
}

TEST_CASE("U16: a descriptor that is not the connection's is left alone, and the accept fails")
{
#if defined(NDEBUG)
    SLK_SKIP("only builds with assertions check the kernel");
#else
    rig loop(here);
    const io::socket_id listener = loop.listen();
    const socket_pair stranger = loop.connect_pair();
    const int foreign[] = {::open("/dev/null", O_RDONLY | O_CLOEXEC),
                           static_cast<int>(loop->handle_of(stranger.client))};
    const std::uint32_t before = loop->open_sockets();
    for (const int fd : foreign) {
        const ring_answer answer(IORING_OP_ACCEPT, fd);
        accept_op accepting;
        loop.accept(accepting, listener);
        REQUIRE(loop.finish(accepting));
        CHECK(accepting.failure == errc::invalid_state);
        CHECK(answer.hits() == 1);
        CHECK(::fcntl(fd, F_GETFD) != -1);
    }
    CHECK(loop->open_sockets() == before);
    ::close(foreign[0]);
    (void)loop.connect_pair(listener);
#endif
}

TEST_CASE("U8: requests without room are submitted before the loop waits")
{
    ring_setup small;
    small.entries(4, 4);
    rig loop(here);
    constexpr std::size_t count = 12;
    std::vector<socket_pair> links;
    for (std::size_t index = 0; index < count; ++index)
        links.push_back(loop.connect_pair());
    REQUIRE(loop.send_all(links.back().server, pattern(8)));
    loop.turns(1);
    std::array<std::array<std::byte, 8>, count> buffers{};
    std::array<receive_op, count> receiving;
    {
        // While the operations are submitted, and until the last moment before the wait.
        injection fault(call::submit, EAGAIN, 1, 2);
        for (std::size_t index = 0; index < count; ++index)
            loop.receive(receiving[index], links[index].client, buffers[index]);
        CHECK(loop.turn(10s).has_value());
        CHECK(fault.hits() == 2);
    }
    CHECK(receiving.back().done()); // in one turn
    for (std::size_t index = 0; index + 1 < count; ++index) {
        REQUIRE(loop.send_all(links[index].server, pattern(8, index)));
        REQUIRE(loop.finish(receiving[index]));
        CHECK(std::ranges::equal(buffers[index], pattern(8, index)));
    }
}

TEST_CASE("U10: a receive is one request, and ten thousand messages pass through one buffer")
{
    rig loop(here);
    const socket_pair link = loop.connect_pair();
    constexpr std::size_t count = 10'000;
    std::array<std::byte, 4> buffer{};
    std::size_t received = 0;
    const int before = requests_of(IORING_OP_RECV);
    std::size_t sent = 0;
    while (received < count) {
        for (; sent < count && sent < received + 100; ++sent)
            REQUIRE(loop.send_all(link.server, pattern(4, sent * 4)));
        receive_op receiving;
        loop.receive(receiving, link.client, buffer);
        REQUIRE(loop.finish(receiving));
        REQUIRE(receiving.transferred == 4);
        REQUIRE(std::ranges::equal(buffer, pattern(4, received * 4)));
        ++received;
    }
    CHECK(requests_of(IORING_OP_RECV) - before == static_cast<int>(count));
}

TEST_CASE("U17: a caller that flushes and then waits for few receives sleeps at their sockets")
{
    rig loop(here);
    const io::socket_id listener = loop.listen();
    std::array<std::byte, 4> buffer{};
    std::deque<socket_pair> links;
    std::deque<receive_op> receiving(io::uring::awaited_receives::max + 1);
    for (receive_op& each : receiving) {
        links.push_back(loop.connect_pair(listener));
        loop.receive(each, links.back().client, buffer);
    }
    loop->flush_submissions();
    reset_counts();
    CHECK(loop.turn(1ms).has_value());
    CHECK(count_of(call::ppoll) == 0); // they are too many

    REQUIRE(loop.send_all(links.back().server, pattern(4)));
    REQUIRE(loop.finish(receiving.back()));
    loop->flush_submissions();
    reset_counts();
    SUBCASE("until the time has passed")
    {
        CHECK(loop.turn(1ms).has_value());
        CHECK(count_of(call::wait) == 1);
        CHECK(count_of(call::ppoll) == 1);
        CHECK(loop.turn(1ms).has_value());
        CHECK(count_of(call::ppoll) == 1); // nothing was flushed since then
    }
    SUBCASE("until there is something to receive")
    {
        const int descriptor = static_cast<int>(loop->handle_of(links.front().server));
        std::thread peer([&] { (void)!::send(descriptor, "four", 4, MSG_NOSIGNAL); });
        REQUIRE(loop.finish(receiving.front()));
        CHECK(receiving.front().transferred == 4);
        peer.join();
    }
    SUBCASE("until it is woken")
    {
        std::thread waker([&] { loop->wake(); });
        CHECK(loop.turn(10s).has_value());
        waker.join();
    }
    loop.end();
}

TEST_CASE("U7, U8: with queues of four entries ten thousand operations keep their order")
{
    ring_setup small;
    small.entries(4, 4);
    rig loop(here);
    const socket_pair link = loop.connect_pair();
    constexpr std::size_t count = 5000;
    std::vector<std::byte> bytes = pattern(count);
    std::vector<std::byte> got(count);
    std::deque<send_op> sends(count);
    std::deque<receive_op> receives(count);
    std::size_t next_send = 0;
    std::size_t next_receive = 0;
    for (std::size_t index = 0; index < count; ++index) {
        receives[index].then = [&, index] { CHECK(index == next_receive++); };
        sends[index].then = [&, index] { CHECK(index == next_send++); };
        loop.receive(receives[index], link.server, std::span(got).subspan(index, 1));
        loop.send(sends[index], link.client, std::span(bytes).subspan(index, 1));
    }
    REQUIRE(loop.run_until([&] { return next_send == count && next_receive == count; }));
    CHECK(got == bytes);

    // Many sockets at once, so that completions overflow, and cancellations do not fit either.
    const io::socket_id listener = loop.listen();
    std::deque<accept_op> accepts(300);
    for (accept_op& op : accepts)
        loop.accept(op, listener);
    loop.turns(1);
    for (accept_op& op : accepts)
        loop->cancel(op);
    REQUIRE(loop.run_until([&] {
        return std::all_of(accepts.begin(), accepts.end(),
                           [](const auto& op) { return op.done(); });
    }));
    for (const accept_op& op : accepts) {
        CHECK(op.completions == 1);
        CHECK(op.failure == errc::cancelled);
    }
}

TEST_CASE("U7: completions that did not fit are fetched without a wait")
{
    ring_setup small;
    small.entries(4, 4);
    rig loop(here);
    constexpr std::size_t count = 20;
    std::array<receive_op, count> receiving;
    std::array<std::array<std::byte, 8>, count> buffers{};
    std::vector<socket_pair> links;
    for (std::size_t index = 0; index < count; ++index) {
        links.push_back(loop.connect_pair());
        REQUIRE(loop.send_all(links.back().server, pattern(8)));
    }
    for (std::size_t index = 0; index < count; ++index)
        loop.receive(receiving[index], links[index].client, buffers[index]);
    loop.turns(50); // which poll, and do not wait
    for (const receive_op& op : receiving)
        CHECK(op.done());
    loop.end();
}

TEST_CASE("U7: a kernel that takes no submissions is asked again, and nothing is lost")
{
    for (const int native : {EBUSY, EAGAIN}) {
        CAPTURE(native);
        rig loop(here);
        const socket_pair link = loop.connect_pair();
        std::array<std::byte, 8> buffer{};
        receive_op receiving;
        {
            injection fault(call::submit, native, 1, 5);
            loop.receive(receiving, link.client, buffer);
            REQUIRE(loop.send_all(link.server, pattern(8)));
            REQUIRE(loop.finish(receiving));
            CHECK(receiving.transferred == 8);
            CHECK(fault.hits() == 5);
        }
        loop.receive(receiving, link.client, buffer);
        {
            injection lasting(call::submit, native, 1, INT_MAX);
            reset_counts();
            CHECK(loop.turn(50ms).has_value());
            CHECK(count_of(call::wait) <= 30); // with pauses of 10 ms
        }
        {
            // It does not even wait: an error instead of an endless loop.
            injection lasting(call::wait, native, 1, INT_MAX);
            const auto answer = loop.turn(10s);
            REQUIRE(!answer.has_value());
            CHECK(answer.error().native == native);
            CHECK(lasting.hits() <= 4);
        }
        REQUIRE(loop.send_all(link.server, pattern(8)));
        REQUIRE(loop.finish(receiving));
        CHECK(receiving.transferred == 8);
    }
}

TEST_CASE("U9: a connect that returns 'in progress' is awaited")
{
    rig loop(here);
    const io::socket_id listener = loop.listen();
    for (const int native : {EINPROGRESS, EALREADY, EAGAIN, EINTR}) {
        for (const bool refused : {false, true}) {
            CAPTURE(native);
            const io::socket_id client = loop.open();
            connect_op connecting;
            injection fault(call::connect, native);
            fault.after_the_call();
            loop.connect(connecting, client,
                         refused ? loop.dead_address() : loop.address_of(listener));
            REQUIRE(loop.finish(connecting));
            CHECK(fault.hits() == 1);
            // The kernel reports the error only once.
            CHECK((connecting.failure == errc::ok) == !refused);
            loop->close(client);
        }
    }
}

TEST_CASE("a half-close comes after the bytes that were sent in the same turn")
{
    rig loop(here);
    const socket_pair link = loop.connect_pair();
    const auto bytes = pattern(1000);
    send_op sending;
    loop.send(sending, link.client, bytes);
    REQUIRE(loop->shutdown_send(link.client).has_value());
    CHECK(loop.receive_all(link.server, 2000) == bytes);
    REQUIRE(loop.finish(sending));
}

TEST_CASE("a send of many buffers gathers them in one request")
{
    rig loop(here);
    const socket_pair link = loop.connect_pair();
    const auto bytes = pattern(200);
    std::vector<std::span<const std::byte>> parts;
    for (std::size_t index = 0; index < 50; ++index)
        parts.push_back(std::span(bytes).subspan(index * 4, 4));
    for (int round = 0; round < 40; ++round) { // more than there are places for the lists
        send_op sending;
        const int before = requests_of(IORING_OP_SENDMSG);
        loop->send(sending, link.client, parts);
        REQUIRE(loop.finish(sending));
        CHECK(sending.transferred == 200);
        CHECK(requests_of(IORING_OP_SENDMSG) == before + 1);
        CHECK(loop.receive_all(link.server, 200) == bytes);
    }
}

TEST_CASE("a connect costs five system calls, from its socket to its close")
{
    rig loop(here);
    const io::socket_id listener = loop.listen();
    const address target = loop.address_of(listener);
    loop.turns(1);
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
    CHECK(turns <= 2);
    CHECK(count_of(call::socket) == 1);
    CHECK(count_of(call::wait) <= 2);
    CHECK(count_of(call::connect) == 1); // a request in the ring, not a system call
    CHECK(count_of(call::so_error) == 0);
    CHECK(count_of(call::getpeername) == 1);
    CHECK(count_of(call::setsockopt) == 0);
}
