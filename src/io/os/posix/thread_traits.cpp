// SPDX-License-Identifier: MPL-2.0
#include "io/os/thread.hpp"

#include <algorithm>
#include <cstdio>

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

namespace slk::io::os {

namespace {

[[nodiscard]] bool has_real_time_priority(int policy) noexcept
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

#if defined(__linux__)

constexpr std::size_t max_name = 15; // pthread_setname_np(3)
constexpr int max_cpu = 65535;

void set_name(const char* name) noexcept
{
    (void)pthread_setname_np(pthread_self(), name);
}

void set_cpus(std::span<const int> cpus) noexcept
{
    int highest = 0;
    for (const int cpu : cpus)
        highest = std::max(highest, std::min(cpu, max_cpu));
    const std::size_t size = CPU_ALLOC_SIZE(highest + 1);
    cpu_set_t* const set = CPU_ALLOC(highest + 1);
    if (set == nullptr)
        return;
    CPU_ZERO_S(size, set);
    for (const int cpu : cpus)
        if (cpu <= highest)
            CPU_SET_S(static_cast<std::size_t>(cpu), size, set);
    (void)sched_setaffinity(0, size, set);
    CPU_FREE(set);
}

/// With Linux a nice value is of one thread (setpriority(2)).
void set_nice(int priority) noexcept
{
    (void)setpriority(PRIO_PROCESS, 0, -std::min(priority, 20));
}

#else

constexpr std::size_t max_name = 63; // macOS

#if defined(__APPLE__)
void set_name(const char* name) noexcept
{
    (void)pthread_setname_np(name);
}
#else
void set_name(const char*) noexcept {}
#endif

void set_cpus(std::span<const int>) noexcept {}
void set_nice(int) noexcept {}

#endif

void name_thread(std::string_view prefix, unsigned number) noexcept
{
    char end[16];
    const auto size = static_cast<std::size_t>(std::snprintf(end, sizeof end, "/%u", number));
    char name[max_name + 1] = {};
    const std::size_t kept = std::min(prefix.size(), max_name - size);
    std::copy_n(prefix.data(), kept, name);
    std::copy_n(end, size, name + kept);
    set_name(name);
}

void schedule(int wanted_policy, int priority) noexcept
{
    int policy = 0;
    sched_param now{};
    if (pthread_getschedparam(pthread_self(), &policy, &now) != 0)
        return;
    if (wanted_policy >= 0)
        policy = wanted_policy;
    const bool real_time = has_real_time_priority(policy);
    if (wanted_policy >= 0 || real_time) {
        sched_param changed{};
        if (real_time)
            changed.sched_priority = std::clamp(priority, sched_get_priority_min(policy),
                                                sched_get_priority_max(policy));
        (void)pthread_setschedparam(pthread_self(), policy, &changed);
    }
    if (!real_time && priority >= 0)
        set_nice(priority);
}

} // namespace

void apply(const thread_traits& wanted) noexcept
{
    if (!wanted.name_prefix.empty())
        name_thread(wanted.name_prefix, wanted.number);
    if (!wanted.cpus.empty())
        set_cpus(wanted.cpus);
    if (wanted.policy >= 0 || wanted.priority >= 0)
        schedule(wanted.policy, wanted.priority);
}

} // namespace slk::io::os
