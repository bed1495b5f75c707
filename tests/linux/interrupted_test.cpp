// SPDX-License-Identifier: MPL-2.0

// System calls that fail once, or are interrupted for ever: no wake is lost for good, and deadlines
// pass.

#include "contract/harness.hpp"
#include "link/link_rig.hpp"
#include "linux/interpose.hpp"

#include "io/os/signal.hpp"

#include <cerrno>
#include <chrono>
#include <climits>

#include <poll.h>

namespace slk::link_tests {

namespace {

using linux_tests::call;
using linux_tests::injection;

/// The turn ends early.
bool wakes(contract::rig& loop)
{
    const auto began = std::chrono::steady_clock::now();
    return loop.turn(10s).has_value() && std::chrono::steady_clock::now() - began < 5s;
}

bool is_readable(io::native_handle handle)
{
    pollfd asked{static_cast<int>(handle), POLLIN, 0};
    return ::poll(&asked, 1, 0) == 1;
}

} // namespace

SLK_BACKEND_TEST("after a wake that the system refused the next one works")
{
    for (const int native : {ENOMEM, EBADF, EINTR}) {
        CAPTURE(native);
        contract::rig loop(backend);
        {
            const injection fault(call::write, native, 1, INT_MAX);
            loop->wake();
            CHECK(fault.hits() > 0);
            CHECK(fault.hits() < 100);
        }
        loop->wake();
        CHECK(wakes(loop));
    }
}

SLK_BACKEND_TEST("a wake that is interrupted once is not lost")
{
    contract::rig loop(backend);
    {
        const injection fault(call::write, EINTR);
        loop->wake();
        CHECK(fault.hits() == 1);
    }
    CHECK(wakes(loop));
}

TEST_CASE("after an event handle could not be set the next report sets it")
{
    auto shown = io::os::signal::create();
    REQUIRE(shown);
    for (const int native : {ENOMEM, EINTR}) {
        CAPTURE(native);
        {
            const injection fault(call::write, native, 1, INT_MAX);
            (*shown)->set();
        }
        CHECK_FALSE(is_readable((*shown)->handle()));
        (*shown)->set();
        CHECK(is_readable((*shown)->handle()));
        (*shown)->clear();
        CHECK_FALSE(is_readable((*shown)->handle()));
    }
}

SLK_BACKEND_TEST("while every wait is interrupted, deadlines pass and posted work is done")
{
    rig on({.backend = std::string(backend)});
    black_hole nowhere;
    nowhere.fill(on);
    const injection fault(call::wait, EINTR, 1, INT_MAX);
    reconnect_options hurried = quick();
    hurried.connect_timeout = 30ms;
    auto dialling = make_link(*on, at(nowhere.where()), hurried);
    dialling.start();
    CHECK(on.until([&] { return dialling.status().attempt > 1; }));
    bool done = false;
    CHECK(on->post([&] { done = true; }));
    CHECK(on.until([&] { return done; }));
    on.pass(20ms);
    on.end(); // returns
}

SLK_BACKEND_TEST("a loop with a thread of its own ends while every wait is interrupted")
{
    auto made = loop::create({.backend = std::string(backend)});
    REQUIRE(made);
    const injection fault(call::wait, EINTR, 1, INT_MAX);
    REQUIRE(made->start_thread());
    made->stop();
}

} // namespace slk::link_tests
