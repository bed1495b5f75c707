// SPDX-License-Identifier: MPL-2.0
#include "matrix.hpp"

#include "base/body_pool.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace slk::testing {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int exit_for_exception = 42;
/// Without SLK_MEMORY_ALL: of a scenario, with one failure each and with several in a row.
constexpr std::uint64_t tried_alone = 24;
constexpr std::uint64_t tried_in_a_row = 8;
constexpr std::uint64_t failures_in_a_row = 6;

enum class outcome : std::uint8_t { good, aborted, crashed, hung, threw, leaked, broken };

const char* name_of(outcome value)
{
    switch (value) {
    case outcome::good: return "good";
    case outcome::aborted: return "aborted";
    case outcome::crashed: return "crashed";
    case outcome::hung: return "hung";
    case outcome::threw: return "threw";
    case outcome::leaked: return "leaked";
    case outcome::broken: return "did not work afterwards";
    }
    return "?";
}

/// What a child tells its parent.
struct report {
    std::uint64_t allocations; ///< of the run without failures
    std::uint64_t next; ///< the index of the run that has not ended yet
    std::int64_t leaked_blocks;
    std::int64_t leaked_descriptors;
    bool leaked; ///< the run before `next` has; the parent clears it
    bool broken; ///< as above
    char what[120];
    std::uintptr_t frames[failing_memory::max_frames];
};

struct run {
    std::uint64_t first;
    std::uint64_t failures;
};

long environment(const char* name, long otherwise)
{
    const char* const value = std::getenv(name);
    return value != nullptr ? std::atol(value) : otherwise;
}

std::int64_t entries_of(const char* directory)
{
    DIR* const all = ::opendir(directory);
    std::int64_t count = 0;
    while (::readdir(all) != nullptr)
        ++count;
    ::closedir(all);
    return count;
}

std::int64_t open_descriptors()
{
    return entries_of("/proc/self/fd");
}

/// Threads that look names up end a moment after their loop.
void wait_for_threads()
{
    constexpr std::int64_t one = 3; // with "." and ".."
    for (int tries = 0; tries < 1000 && entries_of("/proc/self/task") > one; ++tries)
        std::this_thread::sleep_for(milliseconds(1));
}

/// The address of a static in this child, for end_for_exception().
report* of_child = nullptr;

void copy_frames(report& into)
{
    std::copy_n(failing_memory::first_failure(), failing_memory::max_frames, into.frames);
}

/// The handler of SIGABRT and the like: keeps where the failure was.
void on_fatal_signal(int number)
{
    if (of_child != nullptr)
        copy_frames(*of_child);
    ::signal(number, SIG_DFL);
    ::raise(number);
}

/// Allocations that were not freed, but for what the library keeps for the next messages.
std::int64_t live_blocks()
{
    body_pool::shared().trim();
    return failing_memory::live();
}

/// What a run has used ends a moment after it.
bool settles(std::int64_t blocks, std::int64_t descriptors)
{
    for (int tries = 0; tries < 200; ++tries) {
        if (live_blocks() == blocks && open_descriptors() == descriptors)
            return true;
        std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
}

[[noreturn]] void be_child(report& shared, scenario body, const std::vector<run>& runs)
{
    of_child = &shared;
    for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGALRM})
        ::signal(number, on_fatal_signal);
    // Twice: what lives as long as the program is made by the first run.
    for (int tries = 0; tries < 2; ++tries) {
        failing_memory::start(0, 0);
        const char* const wrong = body();
        shared.allocations = failing_memory::stop();
        if (wrong != nullptr) {
            std::snprintf(shared.what, sizeof shared.what, "%s", wrong);
            ::_exit(1);
        }
    }
    while (shared.next < runs.size()) {
        wait_for_threads();
        const run& each = runs[static_cast<std::size_t>(shared.next)];
        const std::int64_t blocks = live_blocks();
        const std::int64_t descriptors = open_descriptors();
        failing_memory::start(each.first, each.failures);
        const char* const wrong = body();
        failing_memory::stop();
        copy_frames(shared);
        shared.broken = wrong != nullptr;
        if (wrong != nullptr)
            std::snprintf(shared.what, sizeof shared.what, "%s", wrong);
        if (!settles(blocks, descriptors)) {
            shared.leaked_blocks = live_blocks() - blocks;
            shared.leaked_descriptors = open_descriptors() - descriptors;
            shared.leaked = true;
        }
        ++shared.next;
        // A clean child for the next run, and the report for the parent.
        if (shared.leaked || shared.broken)
            ::_exit(0);
    }
    ::_exit(0);
}

/// Waits for the child's end; a run that takes too long is ended.
outcome wait_for(pid_t child, const report& shared, milliseconds limit)
{
    std::uint64_t seen = shared.next;
    auto deadline = steady_clock::now() + limit;
    bool late = false;
    for (;;) {
        int status = 0;
        if (::waitpid(child, &status, WNOHANG) == child) {
            if (late)
                return outcome::hung;
            if (WIFSIGNALED(status))
                return WTERMSIG(status) == SIGABRT ? outcome::aborted : outcome::crashed;
            return WEXITSTATUS(status) == exit_for_exception ? outcome::threw
                   : WEXITSTATUS(status) == 0                ? outcome::good
                                                             : outcome::broken;
        }
        const volatile std::uint64_t& next = shared.next;
        if (next != seen) {
            seen = next;
            deadline = steady_clock::now() + limit;
        }
        if (steady_clock::now() > deadline) {
            // The first signal lets the child say where the allocation was.
            ::kill(child, late ? SIGKILL : SIGALRM);
            late = true;
            deadline = steady_clock::now() + milliseconds(200);
        }
        std::this_thread::sleep_for(milliseconds(1));
    }
}

void spread(std::vector<run>& into, std::uint64_t allocations, std::uint64_t max,
            std::uint64_t failures)
{
    const std::uint64_t count =
        environment("SLK_MEMORY_ALL", 0) != 0 ? allocations : std::min(allocations, max);
    for (std::uint64_t index = 0; index < count; ++index)
        into.push_back({1 + index * allocations / count, failures});
}

void print(const char* name, const run& which, outcome how, const report& shared)
{
    std::fprintf(stderr, "%s: allocation %llu%s: %s", name,
                 static_cast<unsigned long long>(which.first),
                 which.failures > 1 ? " and those that follow" : "", name_of(how));
    if (how == outcome::broken)
        std::fprintf(stderr, ": %s", shared.what);
    if (how == outcome::leaked)
        std::fprintf(stderr, " %lld blocks and %lld descriptors",
                     static_cast<long long>(shared.leaked_blocks),
                     static_cast<long long>(shared.leaked_descriptors));
    std::fputc('\n', stderr);
    if (environment("SLK_MEMORY_TRACE", 0) == 0)
        return;
    std::fputs("  at", stderr);
    for (const std::uintptr_t each : shared.frames)
        if (each != 0)
            std::fprintf(stderr, " %#lx", static_cast<unsigned long>(each));
    std::fputc('\n', stderr);
}

struct mapped_report {
    report* shared = static_cast<report*>(
        ::mmap(nullptr, sizeof(report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ~mapped_report() { ::munmap(shared, sizeof(report)); }
};

outcome run_child(report& shared, scenario body, const std::vector<run>& runs, milliseconds limit)
{
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0)
        be_child(shared, body, runs);
    return wait_for(child, shared, limit);
}

} // namespace

void end_for_exception() noexcept
{
    copy_frames(*of_child);
    ::_exit(exit_for_exception);
}

void run_matrix(const char* name, scenario body)
{
    const milliseconds limit(environment("SLK_MEMORY_LIMIT_MS", 30'000));
    const mapped_report mapped;
    report& shared = *mapped.shared;
    std::memset(&shared, 0, sizeof shared);
    if (const outcome how = run_child(shared, body, {}, limit); how != outcome::good) {
        const std::string text =
            std::string(name) + " without a failure: " + name_of(how) + ' ' + shared.what;
        FAIL(text);
        return;
    }
    std::vector<run> runs;
    if (const long only = environment("SLK_MEMORY_ONLY", 0); only > 0) {
        runs.push_back({static_cast<std::uint64_t>(only), 1});
    } else {
        spread(runs, shared.allocations, tried_alone, 1);
        spread(runs, shared.allocations, tried_in_a_row, failures_in_a_row);
    }
    std::uint64_t counts[7] = {};
    shared.next = 0;
    while (shared.next < runs.size()) {
        shared.leaked = shared.broken = false;
        outcome how = run_child(shared, body, runs, limit);
        if (how == outcome::good && (shared.leaked || shared.broken)) {
            how = shared.leaked ? outcome::leaked : outcome::broken;
            print(name, runs[static_cast<std::size_t>(shared.next - 1)], how, shared);
        } else if (how != outcome::good) {
            print(name, runs[static_cast<std::size_t>(shared.next)], how, shared);
            ++shared.next;
        }
        if (how != outcome::good)
            ++counts[static_cast<std::size_t>(how)];
    }
    std::uint64_t bad = 0;
    std::string text;
    for (std::size_t index = 1; index < std::size(counts); ++index) {
        bad += counts[index];
        if (counts[index] > 0)
            text += std::string(", ") + std::to_string(counts[index]) + ' ' +
                    name_of(static_cast<outcome>(index));
    }
    std::printf("memory: %s: %llu allocations, %zu runs%s\n", name,
                static_cast<unsigned long long>(shared.allocations), runs.size(), text.c_str());
    CHECK(bad == 0);
}

} // namespace slk::testing
