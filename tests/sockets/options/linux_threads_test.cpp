// SPDX-License-Identifier: MPL-2.0

// context_options::thread: how the threads of a context run.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace slk;
using namespace slk::testing;

namespace {

std::set<pid_t> threads_now()
{
    std::set<pid_t> all;
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/task"))
        all.insert(std::stoi(each.path().filename().string()));
    return all;
}

/// The names of the threads that are not among `before`.
std::map<std::string, pid_t> new_threads(const std::set<pid_t>& before)
{
    std::map<std::string, pid_t> all;
    for (const pid_t each : threads_now()) {
        if (before.contains(each))
            continue;
        std::ifstream from("/proc/self/task/" + std::to_string(each) + "/comm");
        std::string name;
        std::getline(from, name);
        all[name] = each;
    }
    return all;
}

/// A CPU that this process may run on, the last one.
int some_cpu()
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu)
        if (CPU_ISSET(static_cast<unsigned>(cpu), &allowed))
            return cpu;
    return -1;
}

} // namespace

TEST_CASE("the threads of a context have the names, CPUs and policy that its options give")
{
    const auto before = threads_now();
    const int cpu = some_cpu();
    auto in = new_context(2, {.thread = {.name_prefix = "a-name-of-17-byte",
                                         .cpus = {cpu, 60000},
                                         .policy = SCHED_BATCH}});
    const auto made = new_threads(before);
    REQUIRE(made.size() == 2);
    CHECK(made.contains("a-name-of-17-/0"));
    CHECK(made.contains("a-name-of-17-/1"));
    for (const auto& [name, id] : made) {
        CAPTURE(name);
        CHECK(sched_getscheduler(id) == SCHED_BATCH);
        cpu_set_t own;
        CPU_ZERO(&own);
        REQUIRE(sched_getaffinity(id, sizeof own, &own) == 0);
        CHECK(CPU_COUNT(&own) == 1);
        CHECK(CPU_ISSET(static_cast<unsigned>(cpu), &own));
    }
    // They work.
    auto a = new_socket<pair>(in);
    auto b = new_socket<pair>(in);
    bind_and_connect(a, b);
    must(b.send("x", test_timeout));
    CHECK(receive_text(a) == "x");
}

TEST_CASE("without options the threads of a context run as the thread that makes it")
{
    const auto before = threads_now();
    auto in = new_context(1);
    const auto made = new_threads(before);
    REQUIRE(made.size() == 1);
    const pid_t id = made.begin()->second;
    CHECK(sched_getscheduler(id) == sched_getscheduler(0));
    cpu_set_t own;
    cpu_set_t ours;
    REQUIRE(sched_getaffinity(id, sizeof own, &own) == 0);
    REQUIRE(sched_getaffinity(0, sizeof ours, &ours) == 0);
    CHECK(CPU_EQUAL(&own, &ours));
}

TEST_CASE("a priority of the threads of a context is set if the system allows it")
{
    bool may = false;
    std::thread([&] { may = setpriority(PRIO_PROCESS, 0, -3) == 0; }).join();
    bool may_run_in_real_time = false;
    std::thread([&] {
        const sched_param lowest{.sched_priority = sched_get_priority_min(SCHED_RR)};
        may_run_in_real_time = pthread_setschedparam(pthread_self(), SCHED_RR, &lowest) == 0;
    }).join();
    const auto before = threads_now();
    auto in = new_context(1, {.thread = {.name_prefix = "nice", .priority = 3}});
    auto real_time = new_context(1, {.thread = {.name_prefix = "rr", .policy = SCHED_RR}});
    auto made = new_threads(before);
    CHECK((getpriority(PRIO_PROCESS, static_cast<id_t>(made["nice/0"])) == -3) == may);
    CHECK((sched_getscheduler(made["rr/0"]) == SCHED_RR) == may_run_in_real_time);
    MESSAGE("nice: ", may, ", real time: ", may_run_in_real_time);
}

TEST_CASE("options of threads that no system has are refused, and those that this one refuses not")
{
    CHECK(code_of(context::create({.thread = {.cpus = {-1}}})) == errc::invalid_argument);
    CHECK(code_of(context::create({.thread = {.policy = -2}})) == errc::invalid_argument);
    CHECK(code_of(context::create({.thread = {.priority = -2}})) == errc::invalid_argument);
    CHECK(context::create({.thread = {.cpus = {60000}, .policy = 12345, .priority = 99}}));
}
