// SPDX-License-Identifier: MPL-2.0
#include <serverlink/clock.hpp>
#include <serverlink/random.hpp>

#include <atomic>

#if defined(__linux__)
#include <sys/random.h>
#else
#include <stdlib.h>
#endif
#include <unistd.h>

namespace slk {

namespace {

#if defined(__linux__)
bool ask_system(std::uint64_t& value) noexcept
{
    // Early in the boot the pool may be empty: then the fallback is used, rather than a wait.
    return ::getrandom(&value, sizeof value, GRND_NONBLOCK) == sizeof value;
}
#else
bool ask_system(std::uint64_t& value) noexcept
{
    ::arc4random_buf(&value, sizeof value);
    return true;
}
#endif

/// Different for every call and every process, though not unpredictable.
std::uint64_t fallback() noexcept
{
    static std::atomic<std::uint64_t> calls{0};
    const auto time = system_clock_source().now_with_suspend().time_since_epoch().count();
    random_stream stream(static_cast<std::uint64_t>(time));
    const std::uint64_t process = static_cast<std::uint64_t>(::getpid()) << 32;
    return random_stream(stream.next() ^ process ^ calls.fetch_add(1)).next();
}

} // namespace

std::uint64_t system_entropy() noexcept
{
    std::uint64_t value = 0;
    return ask_system(value) ? value : fallback();
}

} // namespace slk
