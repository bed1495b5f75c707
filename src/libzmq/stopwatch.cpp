// SPDX-License-Identifier: MPL-2.0
#include <libzmq/zmq.h>
#include <serverlink/clock.hpp>

#include "libzmq/errors.hpp"

#include <chrono>
#include <new>
#include <thread>

namespace {

struct stopwatch {
    slk::time_point started = slk::system_clock_source().now();
};

} // namespace

void* zmq_stopwatch_start(void)
{
    auto* const made = new (std::nothrow) stopwatch;
    if (made == nullptr)
        slk::libzmq::fail(ENOMEM);
    return made;
}

unsigned long zmq_stopwatch_intermediate(void* watch)
{
    if (watch == nullptr)
        return 0;
    const auto elapsed = slk::system_clock_source().now() - static_cast<stopwatch*>(watch)->started;
    return static_cast<unsigned long>(
        std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count());
}

unsigned long zmq_stopwatch_stop(void* watch)
{
    const unsigned long elapsed = zmq_stopwatch_intermediate(watch);
    delete static_cast<stopwatch*>(watch);
    return elapsed;
}

void zmq_sleep(int seconds)
{
    if (seconds > 0)
        std::this_thread::sleep_for(std::chrono::seconds(seconds));
}
