// SPDX-License-Identifier: MPL-2.0

// socket_options::interruptible: signals whose handlers run on a thread that waits.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <atomic>
#include <csignal>
#include <string>
#include <thread>

#include <pthread.h>
#include <unistd.h>

using namespace slk;
using namespace slk::testing;

namespace {

std::atomic<int> handled{0};

void count_signal(int)
{
    handled.fetch_add(1, std::memory_order_relaxed);
}

/// Installs the handler, and puts back what was there before.
class counted_signals {
public:
    explicit counted_signals(int flags = 0)
    {
        struct sigaction wanted{};
        wanted.sa_handler = count_signal;
        wanted.sa_flags = flags;
        sigemptyset(&wanted.sa_mask);
        sigaction(SIGUSR1, &wanted, &before_);
        handled = 0;
    }
    ~counted_signals() { sigaction(SIGUSR1, &before_, nullptr); }

private:
    struct sigaction before_{};
};

/// Sends signals to the thread that has made it, again and again until it ends: one of them finds
/// the thread asleep.
class signaller {
public:
    signaller()
        : thread_([this, to = pthread_self()] {
              while (!over_) {
                  pthread_kill(to, SIGUSR1);
                  std::this_thread::sleep_for(1ms);
              }
          })
    {
    }
    ~signaller()
    {
        over_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> over_{false};
    std::thread thread_;
};

} // namespace

TEST_CASE("a handler of a signal ends every call of an interruptible socket that waits")
{
    for (const int threads : {0, 1}) {
        for (const int flags : {0, SA_RESTART}) {
            CAPTURE(threads);
            CAPTURE(flags);
            const counted_signals counted(flags);
            auto in = new_context(threads);
            auto a = new_socket<pair>(in, {.interruptible = true});
            const auto where = must(a.bind(any_tcp));
            {
                const signaller signals;
                message got;
                REQUIRE(code_of(a.receive(got, test_timeout)) == errc::interrupted);
                CHECK(code_of(a.receive(got)) == errc::interrupted);
                CHECK(code_of(a.send("lost", test_timeout)) == errc::interrupted);
                CHECK(code_of(a.wait_ready(test_timeout)) == errc::interrupted);
                std::vector<message> some(2);
                CHECK(code_of(a.send_batch(some, test_timeout)) == errc::interrupted);
                CHECK(code_of(a.receive_batch(some, test_timeout)) == errc::interrupted);
            }
            CHECK(handled > 0);
            // Nothing is half done.
            auto b = new_socket<pair>(in);
            must(b.connect(where));
            must(a.wait_ready(test_timeout));
            must(a.send("kept", test_timeout));
            CHECK(receive_text(b) == "kept");
        }
    }
}

TEST_CASE("without the option a wait goes on after a signal, and so does slk::wait with it")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        const counted_signals counted;
        auto in = new_context(threads);
        auto a = new_socket<pair>(in);
        must(a.bind(any_tcp));
        const signaller signals;
        message got;
        CHECK(code_of(a.receive(got, short_timeout)) == errc::timed_out);
        CHECK(code_of(a.send("x", short_timeout)) == errc::timed_out);
        must(a.set_options({.interruptible = true})); // live
        CHECK(code_of(a.receive(got, test_timeout)) == errc::interrupted);
        wait_item items[] = {{.on = &a}};
        CHECK(code_of(wait(items, short_timeout)) == errc::timed_out);
        CHECK(until([] { return handled >= 10; }));
    }
}

TEST_CASE("a handler of a signal ends wait_interruptibly(), whatever is waited for")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        const counted_signals counted;
        auto in = new_context(threads);
        auto a = new_socket<pair>(in);
        auto b = new_socket<pair>(in);
        const signaller signals;
        wait_item one[] = {{.on = &a}};
        CHECK(code_of(wait_interruptibly(one, test_timeout)) == errc::interrupted);
        wait_item two[] = {{.on = &a}, {.on = &b}};
        CHECK(code_of(wait_interruptibly(two, test_timeout)) == errc::interrupted);
        int ends[2] = {-1, -1};
        REQUIRE(::pipe(ends) == 0);
        wait_item descriptor[] = {{.descriptor = ends[0]}};
        CHECK(code_of(wait_interruptibly(descriptor, test_timeout)) == errc::interrupted);
        if (threads > 0) {
            wait_item both[] = {{.on = &a}, {.descriptor = ends[0]}};
            CHECK(code_of(wait_interruptibly(both, test_timeout)) == errc::interrupted);
        }
        ::close(ends[0]);
        ::close(ends[1]);
        CHECK(code_of(wait_interruptibly({}, test_timeout)) == errc::interrupted);
    }
    CHECK(code_of(wait_interruptibly({}, 5ms)) == errc::timed_out);
    CHECK(code_of(wait_interruptibly({}, no_wait)) == errc::would_block);
}

TEST_CASE("a handler of a signal ends wait_closed() if it is interruptible")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        const counted_signals counted;
        auto in = new_context(threads);
        auto from = new_socket<push>(in);
        must(from.connect("tcp://127.0.0.1:1"));
        must(from.send("kept"));
        from.close_in_background(duration::max());
        const signaller signals;
        CHECK(code_of(in.wait_closed(test_timeout, true)) == errc::interrupted);
        CHECK(code_of(in.wait_closed(short_timeout)) == errc::timed_out);
    }
}

TEST_CASE("signals lose no message and bring none twice")
{
    constexpr int count = 2000;
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        const counted_signals counted;
        auto in = new_context(threads);
        auto others = new_context(1);
        auto to = new_socket<pull>(in, {.interruptible = true});
        const auto where = must(to.bind(any_tcp));
        std::atomic<bool> over = false;
        std::thread sender([&] {
            auto from = push::create(others);
            if (!from || !from->connect(where))
                return;
            for (int number = 0; number < count; ++number) {
                if (!from->send(std::to_string(number), test_timeout))
                    return;
                if (number % 200 == 0)
                    std::this_thread::sleep_for(10ms); // so that the receiver sleeps, too
            }
            (void)from->close(test_timeout);
            over = true;
        });
        const signaller signals;
        int interrupted = 0;
        int expected = 0;
        while (expected < count) {
            message got;
            const auto received = to.receive(got, test_timeout);
            if (!received && received.error() == errc::interrupted) {
                ++interrupted;
                continue;
            }
            if (!received || got.text() != std::to_string(expected))
                break;
            ++expected;
        }
        // A context without threads does its part of the end here.
        message none;
        CHECK(until([&] {
            (void)to.receive(none, no_wait);
            return over.load();
        }));
        CHECK(expected == count);
        CHECK(interrupted > 0);
        sender.join();
    }
}
