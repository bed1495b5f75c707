// SPDX-License-Identifier: MPL-2.0
// Making a ring: the refusals of the kernel, and the ring in a child process.

#include "contract/harness.hpp"
#include "linux/interpose.hpp"
#include "linux/interpose_ring.hpp"

#include "support/forked.hpp"

#include <serverlink/context.hpp>
#include <serverlink/log.hpp>
#include <serverlink/loop.hpp>

#include <cerrno>
#include <cstddef>
#include <string>

#include <fcntl.h>
#include <liburing.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace slk;
using namespace slk::contract;
using namespace slk::linux_tests;
using slk::testing::in_a_child;

namespace {

/// Makes every later setup of a ring in this process fail with that errno.
bool forbid_rings(int native)
{
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(native)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// A loop without a named backend runs on the next one, and reports the refusal.
bool falls_back(int native)
{
    const auto compiled = loop::compiled_backends();
    const auto made = loop::create();
    if (compiled.size() < 2)
        return !made && made.error().native == native;
    return made && made->backend() == compiled[1] && made->refused_backends().size() == 1 &&
           made->refused_backends()[0].name == here &&
           made->refused_backends()[0].reason.native == native;
}

} // namespace

TEST_CASE("U11: after any refusal of a ring a loop runs on the next backend")
{
    for (const int native : {EPERM, ENOSYS, EINVAL, ENOMEM, EMFILE}) {
        CAPTURE(native);
        ring_setup system;
        system.fails_with(native);
        CHECK(falls_back(native));
        const auto named = loop::create({.backend = here});
        REQUIRE_FALSE(named);
        CHECK(named.error().native == native);
        CHECK(named.error().phase == phase::setup);
    }
    const auto made = loop::create();
    REQUIRE(made);
    CHECK(made->backend() == here);
    CHECK(made->refused_backends().empty());
}

TEST_CASE("U11: a log says which backend was refused, and which one is used instead")
{
    if (loop::compiled_backends().size() < 2)
        return;
    ring_setup system;
    system.fails_with(EPERM);
    const auto in = context::create();
    REQUIRE(in);
    auto log = log_stream::of(*in, {.level = log_level::warning});
    REQUIRE(log);
    const auto line = log->next(no_wait);
    REQUIRE(line);
    CHECK(line->level == log_level::warning);
    CHECK(line->component == "loop");
    CHECK(line->text.starts_with("loop 0 falls back to " +
                                 std::string(loop::compiled_backends()[1]) + ": " +
                                 std::string(here) + " is not available ("));
    CHECK_FALSE(log->next(no_wait));
}

TEST_CASE("U11: in a sandbox that forbids rings a loop runs on the next backend")
{
    for (const int native : {EPERM, ENOSYS})
        CHECK(in_a_child([native] { return forbid_rings(native) && falls_back(native) ? 0 : 1; }) ==
              0);
}

TEST_CASE("U11: a kernel without the newer flags is sufficient, one without a feature is not")
{
    {
        ring_setup old;
        old.without_flags(IORING_SETUP_COOP_TASKRUN);
        rig loop(here);
        const socket_pair link = loop.connect_pair();
        REQUIRE(loop.send_all(link.client, pattern(100)));
        CHECK(loop.receive_all(link.server, 100) == pattern(100));
    }
    for (const unsigned feature : {IORING_FEAT_NODROP, IORING_FEAT_SUBMIT_STABLE,
                                   IORING_FEAT_FAST_POLL, IORING_FEAT_EXT_ARG}) {
        ring_setup old;
        old.without_features(feature);
        const auto made = io::make_poller(system_clock_source(), here);
        REQUIRE_FALSE(made);
        CHECK(made.error() == errc::not_supported);
        CHECK(made.error().phase == phase::setup);
    }
}

TEST_CASE("U11: a kernel that lacks a request, or the probe for it, is not sufficient")
{
    for (const int operation : {IORING_OP_CONNECT, IORING_OP_ACCEPT, IORING_OP_RECV, IORING_OP_SEND,
                                IORING_OP_SENDMSG, IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL}) {
        CAPTURE(operation);
        ring_setup old;
        old.without_operation(operation);
        const auto made = io::make_poller(system_clock_source(), here);
        REQUIRE_FALSE(made);
        CHECK(made.error() == errc::not_supported);
    }
    for (const int native : {EPERM, EINVAL, ENOSYS}) {
        ring_setup silent;
        silent.probe_fails_with(native);
        CHECK(falls_back(native));
    }
}

TEST_CASE("U11: a ring that can be made and not used is refused like one that cannot be made")
{
    for (const int native : {EPERM, EACCES, ENOSYS, EBADF}) {
        CAPTURE(native);
        const injection fault(call::wait, native);
        CHECK(falls_back(native));
    }
    for (const int passing : {EINTR, EAGAIN}) {
        CAPTURE(passing);
        const injection fault(call::wait, passing);
        const auto made = loop::create();
        REQUIRE(made);
        CHECK(made->backend() == here);
    }
    // The multishot poll is of Linux 5.13.
    const ring_answer answer(IORING_OP_POLL_ADD, -EINVAL);
    CHECK(falls_back(EINVAL));
    CHECK(answer.hits() == 1);
}

TEST_CASE("U12, U14: a ring has no kernel thread, is tied to no thread, and not inherited")
{
    const rig loop(here);
    constexpr unsigned unwanted = IORING_SETUP_SQPOLL | IORING_SETUP_IOPOLL |
                                  IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    CHECK((last_ring().flags & unwanted) == 0);
    CHECK((::fcntl(last_ring().descriptor, F_GETFD) & FD_CLOEXEC) != 0); // U15
}

TEST_CASE("U15: a child process gives its copies back, and the parent's poller goes on")
{
    rig loop(here);
    const socket_pair link = loop.connect_pair();
    std::array<std::byte, 8> buffer{};
    receive_op receiving;
    loop.receive(receiving, link.client, buffer);
    loop.turns(1);
    CHECK(in_a_child([&] {
              loop->close_copies();
              if (::fcntl(last_ring().descriptor, F_GETFD) != -1)
                  return 1;
              const auto fresh = io::make_poller(system_clock_source(), here);
              if (!fresh || !(*fresh)->turn({}))
                  return 2;
              (*fresh)->shutdown();
              return 0;
          }) == 0);
    loop->wake();
    REQUIRE(loop.send_all(link.server, pattern(8)));
    REQUIRE(loop.finish(receiving));
    CHECK(receiving.transferred == 8);
}

TEST_CASE(
    "C15: a poller that had to give its ring back answers every call as one that was shut down")
{
    rig loop(here);
    const socket_pair link = loop.connect_pair();
    std::array<std::byte, 8> buffer{};
    receive_op receiving;
    loop.receive(receiving, link.client, buffer);
    loop.turns(1);
    {
        const injection fault(call::wait, EBADF, 1, INT_MAX);
        receiving.inside_turn = nullptr; // shutdown() is no turn of this rig
        loop->shutdown();
    }
    CHECK(receiving.done());
    receive_op late;
    loop.receive(late, link.client, buffer);
    loop->wake();
    CHECK(loop.turn(1s).has_value()); // delivers
    CHECK(late.failure == errc::loop_closed);
    CHECK(loop.turn().has_value()); // polls
    CHECK_FALSE(loop.turn(1s).has_value());
}
