// SPDX-License-Identifier: MPL-2.0
#include <serverlink/random.hpp>

#include "io/os/windows/winsock.hpp"

#include <bcrypt.h>

#include <atomic>

namespace slk {

namespace {

std::uint64_t weak_entropy() noexcept
{
    static std::atomic<std::uint64_t> counter{0};
    LARGE_INTEGER ticks{};
    QueryPerformanceCounter(&ticks);
    random_stream mixer(static_cast<std::uint64_t>(ticks.QuadPart) ^
                        (std::uint64_t{GetCurrentProcessId()} << 32) ^ GetTickCount64());
    return mixer.next() + counter.fetch_add(0x9e3779b97f4a7c15u, std::memory_order_relaxed);
}

} // namespace

std::uint64_t system_entropy() noexcept
{
    std::uint64_t value = 0;
    const NTSTATUS status = BCryptGenRandom(nullptr, reinterpret_cast<PUCHAR>(&value), sizeof value,
                                            BCRYPT_USE_SYSTEM_PREFERRED_RNG);
    return status >= 0 ? value : weak_entropy();
}

} // namespace slk
