// SPDX-License-Identifier: MPL-2.0
// The slk command as it is, under a system whose calls fail: strace(1) makes them.

#include "link/link_rig.hpp"
#include "spawned_slk.hpp"
#include "support/skip.hpp"
#include "tool/run_slk.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

/// -D: the tracer is a grandchild, so the process that is started and interrupted is slk's own.
/// What strace may do at all, and leak sanitizers cannot be traced.
std::vector<std::string> strace(const std::string& fault)
{
    return {"env",    "ASAN_OPTIONS=detect_leaks=0",
            "strace", "-D",
            "-o",     "/dev/null",
            "-e",     "inject=" + fault};
}

bool can_trace()
{
    return std::system(
               "strace -D -o /dev/null -e inject=getppid:error=EPERM true >/dev/null 2>&1") == 0;
}

bool is_compiled(std::string_view backend)
{
    return std::ranges::count(loop::compiled_backends(), backend) != 0;
}

constexpr const char* no_tracing = "strace is missing, or not allowed to trace";

/// The system calls that a loop on that backend waits with.
std::string waits_of(std::string_view backend)
{
    if (backend == "epoll")
        return "?epoll_wait,?epoll_pwait,?epoll_pwait2";
    return backend == "select" ? "?select,?pselect6" : "io_uring_enter";
}

/// A slk link that does not wait long between its attempts.
std::vector<std::string> link_to(const std::string& where, std::string_view backend)
{
    return {"link",  "--backend", std::string(backend), "--base", "1ms", "--floor", "0",
            "--cap", "10ms",      "tcp://" + where};
}

struct fault {
    const char* native;
    const char* meaning;
};

} // namespace

// Leaves the test case unless slk can be run under strace.
#define SLK_NEEDS_TRACED_COMMAND()                                                                 \
    do {                                                                                           \
        SLK_NEEDS_COMMAND();                                                                       \
        if (!can_trace())                                                                          \
            SLK_SKIP(no_tracing);                                                                  \
    } while (false)

TEST_CASE("U11: slk version prints why the kernel refused io_uring, and which backend runs instead")
{
    SLK_NEEDS_TRACED_COMMAND();
    if (!is_compiled("io_uring"))
        SLK_SKIP("this build has no io_uring");
    constexpr fault faults[] = {{"EPERM", "permission_denied (native 1)"},
                                {"ENOSYS", "not_supported (native 38)"},
                                {"EINVAL", "invalid_argument (native 22)"},
                                {"ENOMEM", "out_of_memory (native 12)"}};
    const auto compiled = loop::compiled_backends();
    for (const char* const refused : {"io_uring_setup", "io_uring_enter"})
        for (const fault& each : faults) {
            CAPTURE(refused);
            CAPTURE(each.native);
            spawned_slk tool({"version"}, strace(std::string(refused) + ":error=" + each.native));
            if (compiled.size() == 1) {
                CHECK(tool.says(each.meaning));
                CHECK(tool.end() == 1);
                continue;
            }
            CHECK(tool.says("backend running:   " + std::string(compiled[1])));
            const std::string why = tool.line().value_or("");
            CHECK(why.starts_with("backend refused:   io_uring: "));
            CHECK(why.find(each.meaning) != std::string::npos);
            CHECK(tool.end() == 0);
        }
}

TEST_CASE("C9: slk link prints the errors of connect, retries, connects, and can be interrupted")
{
    SLK_NEEDS_TRACED_COMMAND();
    constexpr fault faults[] = {{"ETIMEDOUT", "connect: timed_out (native 110)"},
                                {"ENETUNREACH", "connect: network_unreachable (native 101)"},
                                {"EADDRNOTAVAIL", "connect: no_local_port (native 99)"},
                                {"EAFNOSUPPORT", "connect: address_family_not_supported"}};
    link_tests::rig on;
    link_tests::server peer(*on);
    for (const std::string_view backend : loop::compiled_backends()) {
        if (backend == "io_uring")
            continue; // connects in its ring, where strace does not look
        for (const fault& each : faults) {
            CAPTURE(backend);
            CAPTURE(each.native);
            spawned_slk tool(link_to(to_string(peer.where()), backend),
                             strace(std::string("connect:error=") + each.native + ":when=1"));
            REQUIRE(tool.says(each.meaning));
            REQUIRE(tool.says("  connected  "));
            tool.interrupt(SIGINT);
            CHECK(tool.says("  idle  "));
            CHECK(tool.end() == 0);
        }
    }
}

TEST_CASE("C9: slk link continues after waits that fail, and can be interrupted")
{
    SLK_NEEDS_TRACED_COMMAND();
    link_tests::rig on;
    link_tests::server peer(*on);
    // The first call of io_uring decides whether the backend is used at all.
    for (const std::string_view backend : loop::compiled_backends())
        for (const char* const fault :
             {"EBADF:when=2..4", "ENOMEM:when=2..4", "EINVAL:when=3", "EINTR:when=2..2500"}) {
            CAPTURE(backend);
            CAPTURE(fault);
            spawned_slk tool(link_to(to_string(peer.where()), backend),
                             strace(waits_of(backend) + ":error=" + fault));
            REQUIRE(tool.says("  connected  "));
            tool.interrupt(SIGINT);
            CHECK(tool.says("  idle  "));
            CHECK(tool.end() == 0);
        }
}

TEST_CASE("C9: slk link whose wait always fails reports that and ends with exit code 1")
{
    SLK_NEEDS_TRACED_COMMAND();
    for (const std::string_view backend : loop::compiled_backends()) {
        CAPTURE(backend);
        spawned_slk tool(link_to("127.0.0.1:1", backend),
                         strace(waits_of(backend) + ":error=EINVAL:when=4+"));
        CHECK(tool.says("the system's wait for events fails"));
        CHECK(tool.end() == 1);
    }
}
