// SPDX-License-Identifier: MPL-2.0

// The clock, capabilities, counters and stopwatches.

#include <serverlink/clock.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/serverlink.h>

#include "capi/errors.hpp"
#include "io/os/local_socket.hpp"

#include <atomic>
#include <chrono>
#include <new>
#include <string_view>
#include <thread>

namespace slk::capi {

namespace {

std::uint64_t microseconds_now() noexcept
{
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                          system_clock_source().now().time_since_epoch())
                                          .count());
}

using counter = std::atomic<int>;

struct stopwatch {
    std::uint64_t started = microseconds_now();

    [[nodiscard]] unsigned long elapsed() const noexcept
    {
        return static_cast<unsigned long>(microseconds_now() - started);
    }
};

} // namespace

} // namespace slk::capi

using namespace slk::capi;

void slk_version(int* major, int* minor, int* patch)
{
    if (major != nullptr)
        *major = SLK_VERSION_MAJOR;
    if (minor != nullptr)
        *minor = SLK_VERSION_MINOR;
    if (patch != nullptr)
        *patch = SLK_VERSION_PATCH;
}

uint64_t slk_clock(void)
{
    return microseconds_now();
}

void slk_sleep(int ms)
{
    if (ms > 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

int slk_has(const char* capability)
{
    return capability != nullptr && std::string_view(capability) == "ipc" &&
                   slk::io::os::check_local_name("any")
               ? 1
               : 0;
}

// --- counters ---

void* slk_atomic_counter_new(void)
{
    auto* const made = new (std::nothrow) counter(0);
    if (made == nullptr)
        fail_with(SLK_ENOMEM);
    return made;
}

void slk_atomic_counter_set(void* of, int value)
{
    if (of != nullptr)
        static_cast<counter*>(of)->store(value);
}

int slk_atomic_counter_inc(void* of)
{
    return of != nullptr ? static_cast<counter*>(of)->fetch_add(1) : 0;
}

int slk_atomic_counter_dec(void* of)
{
    return of != nullptr ? static_cast<counter*>(of)->fetch_sub(1) - 1 : 0;
}

int slk_atomic_counter_value(void* of)
{
    return of != nullptr ? static_cast<counter*>(of)->load() : 0;
}

void slk_atomic_counter_destroy(void** of)
{
    if (of == nullptr)
        return;
    delete static_cast<counter*>(*of);
    *of = nullptr;
}

// --- stopwatches ---

void* slk_stopwatch_start(void)
{
    auto* const made = new (std::nothrow) stopwatch;
    if (made == nullptr)
        fail_with(SLK_ENOMEM);
    return made;
}

unsigned long slk_stopwatch_intermediate(void* watch)
{
    return watch != nullptr ? static_cast<stopwatch*>(watch)->elapsed() : 0;
}

unsigned long slk_stopwatch_stop(void* watch)
{
    const unsigned long elapsed = slk_stopwatch_intermediate(watch);
    delete static_cast<stopwatch*>(watch);
    return elapsed;
}
