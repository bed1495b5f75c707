// SPDX-License-Identifier: MPL-2.0
#include <serverlink/clock.hpp>

#include "base/never_destroyed.hpp"
#include "io/os/windows/winsock.hpp"

#include <cstdint>

namespace slk {

namespace {

using query_interrupt_time = VOID(WINAPI*)(PULONGLONG);

/// Both came with Windows 10, so they cannot be linked to; their unit is 100 ns.
struct interrupt_clocks {
    query_interrupt_time awake = nullptr;
    query_interrupt_time with_suspend = nullptr;
};

query_interrupt_time find(HMODULE library, const char* name) noexcept
{
    return reinterpret_cast<query_interrupt_time>(
        reinterpret_cast<void*>(GetProcAddress(library, name)));
}

interrupt_clocks load() noexcept
{
    const HMODULE library = GetModuleHandleW(L"kernelbase.dll");
    if (library == nullptr)
        return {};
    const interrupt_clocks found{find(library, "QueryUnbiasedInterruptTimePrecise"),
                                 find(library, "QueryInterruptTimePrecise")};
    // One without the other does not show a suspension.
    return found.awake != nullptr && found.with_suspend != nullptr ? found : interrupt_clocks{};
}

time_point read(query_interrupt_time query) noexcept
{
    ULONGLONG units = 0;
    query(&units);
    return time_point(duration(static_cast<std::int64_t>(units) * 100));
}

std::int64_t counter_frequency() noexcept
{
    LARGE_INTEGER frequency{};
    QueryPerformanceFrequency(&frequency);
    return frequency.QuadPart > 0 ? frequency.QuadPart : 1;
}

/// Before Windows 10. The counter runs during a suspension, and there is no second clock to compare
/// it with: GetTickCount64 runs at its own rate and would show suspensions that never happened.
time_point read_counter() noexcept
{
    static const std::int64_t frequency = counter_frequency();
    constexpr std::int64_t second = 1'000'000'000;
    LARGE_INTEGER ticks{};
    QueryPerformanceCounter(&ticks);
    // In two steps: the product of the ticks and a second overflows within hours.
    return time_point(duration(ticks.QuadPart / frequency * second +
                               ticks.QuadPart % frequency * second / frequency));
}

class windows_clock final : public clock {
public:
    time_point now() noexcept override
    {
        return clocks_.awake != nullptr ? read(clocks_.awake) : read_counter();
    }

    time_point now_with_suspend() noexcept override
    {
        return clocks_.with_suspend != nullptr ? read(clocks_.with_suspend) : read_counter();
    }

private:
    const interrupt_clocks clocks_ = load();
};

} // namespace

clock& system_clock_source() noexcept
{
    static never_destroyed<windows_clock> source;
    return source.get();
}

} // namespace slk
