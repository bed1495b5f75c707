// SPDX-License-Identifier: MPL-2.0
#include "io/backend/io_uring/ring.hpp"

#include "io/os/system.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <new>

namespace slk::io::uring {

namespace {

/// Submissions that fit between two calls; further ones cost one more call.
constexpr unsigned submissions = 256;

/// All operations in flight may end at the same time. The kernel keeps completions that do not fit
/// (IORING_FEAT_NODROP), at a cost.
constexpr unsigned completions = 8192;

// The thread that calls takes its completions in the same call, so the kernel need not interrupt it
// (COOP_TASKRUN), and shows whether there are any (TASKRUN_FLAG). Not used: SINGLE_ISSUER and
// DEFER_TASKRUN, which tie the ring to one thread for life, because a loop may be run by one thread
// after another; and SQPOLL, which adds a thread in the kernel.
constexpr unsigned setup_flags[] = {
    IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
        IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP, // before Linux 5.19
};

constexpr unsigned needed_features =
    IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG;

constexpr int needed_operations[] = {
    IORING_OP_CONNECT, IORING_OP_ACCEPT,   IORING_OP_RECV,         IORING_OP_SEND,
    IORING_OP_SENDMSG, IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
};

constexpr unsigned max_operations = 256; ///< an operation code is one byte

} // namespace

ring::~ring()
{
    end();
}

void ring::end() noexcept
{
    if (started_)
        io_uring_queue_exit(&ring_);
    started_ = false;
}

int ring::set_up() noexcept
{
    int outcome = -EINVAL;
    for (const unsigned flags : setup_flags) {
        io_uring_params parameters{};
        parameters.flags = flags;
        parameters.cq_entries = completions;
        outcome = io_uring_queue_init_params(submissions, &ring_, &parameters);
        if (outcome != -EINVAL)
            return outcome;
    }
    return outcome;
}

result<void> ring::start() noexcept
{
    const int outcome = set_up();
    if (outcome < 0)
        return fail(os::translate(-outcome, phase::setup));
    started_ = true;
    // Each place in the queue has the index of the submission with the same number. Newer kernels
    // have no such indices.
    if (ring_.sq.array != nullptr)
        for (unsigned index = 0; index < *ring_.sq.kring_entries; ++index)
            ring_.sq.array[index] = index;
    return probe();
}

result<void> ring::probe() noexcept
{
    if ((ring_.features & needed_features) != needed_features)
        return fail(errc::not_supported, phase::setup, "the kernel's io_uring is too old");
    alignas(io_uring_probe)
        std::byte space[sizeof(io_uring_probe) + max_operations * sizeof(io_uring_probe_op)]{};
    auto* const known = ::new (static_cast<void*>(space)) io_uring_probe;
    if (const int outcome = io_uring_register_probe(&ring_, known, max_operations); outcome < 0)
        return fail(os::translate(-outcome, phase::setup));
    for (const int operation : needed_operations)
        if (io_uring_opcode_supported(known, operation) == 0)
            return fail(errc::not_supported, phase::setup,
                        "the kernel's io_uring lacks an operation");
    return {};
}

io_uring_sqe* ring::next() noexcept
{
    if (!started_)
        return nullptr;
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) {
        (void)enter(0, nullptr);
        sqe = io_uring_get_sqe(&ring_);
    }
    if (sqe != nullptr)
        std::memset(sqe, 0, sizeof *sqe);
    return sqe;
}

bool ring::withdraw(std::uint64_t key, std::uint64_t replacement) noexcept
{
    for (unsigned left = interrupted_ ? prepared() : 0; left != 0; --left) {
        io_uring_sqe& each = ring_.sq.sqes[(ring_.sq.sqe_tail - left) & *ring_.sq.kring_mask];
        if (each.user_data != key)
            continue;
        std::memset(&each, 0, sizeof each);
        io_uring_prep_nop(&each);
        io_uring_sqe_set_data64(&each, replacement);
        return true;
    }
    return false;
}

void ring::advance_tail() noexcept
{
    ring_.sq.sqe_head = ring_.sq.sqe_tail;
    io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
}

unsigned ring::prepared() const noexcept
{
    return started_ ? ring_.sq.sqe_tail - io_uring_smp_load_acquire(ring_.sq.khead) : 0;
}

bool ring::must_enter() const noexcept
{
    constexpr unsigned held_back = IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN;
    if (!started_)
        return false;
    return prepared() != 0 || (IO_URING_READ_ONCE(*ring_.sq.kflags) & held_back) != 0;
}

int ring::call(unsigned submissions_to_take, unsigned at_least, __kernel_timespec* timeout) noexcept
{
    if (timeout == nullptr)
        return io_uring_enter2(static_cast<unsigned>(ring_.ring_fd), submissions_to_take, at_least,
                               IORING_ENTER_GETEVENTS, nullptr, 0);
    io_uring_getevents_arg argument{};
    argument.ts = reinterpret_cast<std::uintptr_t>(timeout);
    return io_uring_enter2(static_cast<unsigned>(ring_.ring_fd), submissions_to_take, at_least,
                           IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                           reinterpret_cast<sigset_t*>(&argument), sizeof argument);
}

int ring::enter(unsigned at_least, __kernel_timespec* timeout) noexcept
{
    if (!started_)
        return -EBADF;
    advance_tail();
    const int outcome = call(prepared(), at_least, timeout);
    interrupted_ = outcome == -EINTR;
    return outcome;
}

int ring::only_wait(unsigned at_least, __kernel_timespec* timeout) noexcept
{
    return started_ ? call(0, at_least, timeout) : -EBADF;
}

} // namespace slk::io::uring
