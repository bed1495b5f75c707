// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_EXAMPLES_FOREIGN_LOOPS_PROGRAM_HPP
#define SERVERLINK_EXAMPLES_FOREIGN_LOOPS_PROGRAM_HPP

// What the examples of foreign loops have in common: a program on a slk::loop that sends itself a
// message every 10 ms, and is done when five have arrived. It is the foreign loop that waits.

#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>
#include <optional>

class program {
public:
    slk::result<void> start()
    {
        using namespace std::chrono_literals;
        SLK_TRY(loop_, slk::loop::create());
        SLK_TRY(context_, slk::context::on(*loop_));
        SLK_TRY(in_, slk::pull::create(*context_));
        SLK_TRY(out_, slk::push::create(*context_));
        SLK_TRY(const auto where, in_->bind("tcp://127.0.0.1:*"));
        SLK_TRY(out_->connect(where));
        SLK_TRY(arrived_, in_->watch(*loop_, slk::watch_for::readable, [this](auto) { take(); }));
        SLK_TRY(ticks_,
                loop_->call_every(10ms, [this] { (void)out_->send("tick", slk::no_wait); }));
        SLK_TRY(handle_, loop_->event_handle());
        return {};
    }

    // What a foreign loop needs.
    [[nodiscard]] int handle() const { return static_cast<int>(handle_); }
    [[nodiscard]] slk::duration timeout() { return loop_->poll_timeout(); }
    // In milliseconds, rounded up; -1: none.
    [[nodiscard]] int timeout_ms()
    {
        const slk::duration limit = timeout();
        if (limit == slk::duration::max())
            return -1;
        return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(limit).count());
    }
    void run() { (void)loop_->run_for(slk::duration::zero()); }

    [[nodiscard]] bool done() const { return messages_ >= 5; }
    int report(const char* name) const
    {
        std::printf("%s: %s\n", name, done() ? "done" : "not done");
        return done() ? 0 : 1;
    }

private:
    void take()
    {
        slk::message got;
        while (in_->receive(got, slk::no_wait))
            ++messages_;
    }

    // The loop is the last one to end.
    std::optional<slk::loop> loop_;
    std::optional<slk::context> context_;
    std::optional<slk::pull> in_;
    std::optional<slk::push> out_;
    slk::socket_watch arrived_;
    slk::timer ticks_;
    std::intptr_t handle_ = -1;
    int messages_ = 0;
};

#endif
