// SPDX-License-Identifier: MPL-2.0
#include "linux/interpose_ring.hpp"

#include "linux/interpose.hpp"

#include <array>
#include <cerrno>
#include <map>
#include <mutex>

#include <dlfcn.h>
#include <liburing.h>

namespace slk::linux_tests {

namespace {

struct setup_wishes {
    int native = 0;
    unsigned missing_flags = 0;
    unsigned missing_features = 0;
    unsigned submissions = 0;
    unsigned completions = 0;
    int missing_operation = -1;
    int native_of_probe = 0;
} wishes;

made_ring latest;

/// Of what follows: tests have loops on threads of their own.
std::mutex guard;

struct {
    int operation = -1;
    int result = 0;
    int times = 0;
    int hits = 0;
    bool late = false;
} answer;

/// The rings of this program, by descriptor.
struct seen_ring {
    ::io_uring* memory = nullptr;
    unsigned submissions = 0; ///< inspected so far
    unsigned completions = 0;
    std::map<std::uint64_t, int> replaced; ///< results to come, by the request's key
};
std::map<int, seen_ring> rings;

std::array<int, 256> requests{};

template <class Function>
Function* real(const char* name) noexcept
{
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

call call_of(unsigned operation) noexcept
{
    switch (operation) {
    case IORING_OP_CONNECT: return call::connect;
    case IORING_OP_ACCEPT: return call::accept4;
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG: return call::send;
    case IORING_OP_RECV: return call::recv;
    default: return call::count;
    }
}

void refuse(io_uring_sqe& request) noexcept
{
    const std::uint64_t key = request.user_data;
    request = {};
    request.opcode = IORING_OP_NOP;
    request.user_data = key;
}

void delay(io_uring_sqe& request) noexcept
{
    static __kernel_timespec span{0, 20'000'000};
    refuse(request);
    request.opcode = IORING_OP_TIMEOUT;
    request.fd = -1;
    request.addr = reinterpret_cast<std::uintptr_t>(&span);
    request.len = 1;
}

void look_at_submissions(seen_ring& ring, unsigned count) noexcept
{
    const unsigned end = *ring.memory->sq.khead + count;
    for (; static_cast<int>(end - ring.submissions) > 0; ++ring.submissions) {
        io_uring_sqe& request =
            ring.memory->sq.sqes[ring.submissions & *ring.memory->sq.kring_mask];
        ++requests[request.opcode];
        if (answer.operation == request.opcode && answer.hits < answer.times) {
            ++answer.hits;
            ring.replaced[request.user_data] = answer.result;
            answer.late ? delay(request) : refuse(request);
            continue;
        }
        const call which = call_of(request.opcode);
        int native = 0;
        bool after = false;
        if (which == call::count || !intercepted(which, native, after))
            continue;
        ring.replaced[request.user_data] = -native;
        if (!after)
            refuse(request);
    }
}

void look_at_completions(seen_ring& ring) noexcept
{
    const unsigned end = *ring.memory->cq.ktail;
    for (; ring.completions != end; ++ring.completions) {
        io_uring_cqe& each = ring.memory->cq.cqes[ring.completions & *ring.memory->cq.kring_mask];
        const auto found = ring.replaced.find(each.user_data);
        if (found == ring.replaced.end())
            continue;
        each.res = found->second;
        ring.replaced.erase(found);
    }
}

} // namespace

ring_setup::ring_setup() noexcept
{
    wishes = {};
}

ring_setup::~ring_setup()
{
    wishes = {};
}

ring_setup& ring_setup::fails_with(int native) noexcept
{
    wishes.native = native;
    return *this;
}

ring_setup& ring_setup::without_flags(unsigned flags) noexcept
{
    wishes.missing_flags = flags;
    return *this;
}

ring_setup& ring_setup::without_features(unsigned features) noexcept
{
    wishes.missing_features = features;
    return *this;
}

ring_setup& ring_setup::entries(unsigned submissions, unsigned completions) noexcept
{
    wishes.submissions = submissions;
    wishes.completions = completions;
    return *this;
}

ring_setup& ring_setup::without_operation(int operation) noexcept
{
    wishes.missing_operation = operation;
    return *this;
}

ring_setup& ring_setup::probe_fails_with(int native) noexcept
{
    wishes.native_of_probe = native;
    return *this;
}

made_ring last_ring() noexcept
{
    return latest;
}

ring_answer::ring_answer(int operation, int result, int times) noexcept
{
    const std::lock_guard lock(guard);
    answer = {operation, result, times, 0, false};
}

ring_answer& ring_answer::late() noexcept
{
    const std::lock_guard lock(guard);
    answer.late = true;
    return *this;
}

ring_answer::~ring_answer()
{
    const std::lock_guard lock(guard);
    answer = {};
}

int ring_answer::hits() const noexcept
{
    const std::lock_guard lock(guard);
    return answer.hits;
}

int requests_of(int operation) noexcept
{
    const std::lock_guard lock(guard);
    return requests[static_cast<std::size_t>(operation)];
}

} // namespace slk::linux_tests

// A definition in the program comes before the one in liburing.
extern "C" {

int io_uring_queue_init_params(unsigned entries, io_uring* ring, io_uring_params* parameters)
{
    using namespace slk::linux_tests;
    if (wishes.native != 0)
        return -wishes.native;
    if ((parameters->flags & wishes.missing_flags) != 0)
        return -EINVAL;
    if (wishes.submissions != 0) {
        entries = wishes.submissions;
        parameters->cq_entries = wishes.completions;
    }
    const int result = real<decltype(io_uring_queue_init_params)>("io_uring_queue_init_params")(
        entries, ring, parameters);
    if (result == 0) {
        const std::lock_guard lock(guard);
        rings[ring->ring_fd] = {};
        rings[ring->ring_fd].memory = ring;
        ring->features &= ~wishes.missing_features;
        latest = {parameters->flags, ring->ring_fd};
    }
    return result;
}

int io_uring_register_probe(io_uring* ring, io_uring_probe* known, unsigned most)
{
    using namespace slk::linux_tests;
    if (wishes.native_of_probe != 0)
        return -wishes.native_of_probe;
    // Called by name, unlike the others: it makes the program link to the library.
    const int result =
        io_uring_register(static_cast<unsigned>(ring->ring_fd), IORING_REGISTER_PROBE, known, most);
    if (wishes.missing_operation >= 0)
        known->ops[wishes.missing_operation].flags = 0;
    return result;
}

void io_uring_queue_exit(io_uring* ring)
{
    using namespace slk::linux_tests;
    {
        const std::lock_guard lock(guard);
        rings.erase(ring->ring_fd);
    }
    real<decltype(io_uring_queue_exit)>("io_uring_queue_exit")(ring);
}

int io_uring_enter2(unsigned fd, unsigned count, unsigned at_least, unsigned flags,
                    sigset_t* argument, size_t size)
{
    using namespace slk::linux_tests;
    int native = 0;
    bool after = false;
    if (intercepted(call::wait, native, after) ||
        (count != 0 && intercepted(call::submit, native, after)))
        return -native;
    const auto look = [](const auto& how) {
        const std::lock_guard lock(guard);
        how();
    };
    // A ring is its own thread's; the map's references stay.
    seen_ring* ring = nullptr;
    look([&] {
        ring = &rings[static_cast<int>(fd)];
        look_at_submissions(*ring, count);
    });
    const int result = real<decltype(io_uring_enter2)>("io_uring_enter2")(fd, count, at_least,
                                                                          flags, argument, size);
    look([&] { look_at_completions(*ring); });
    return result;
}

} // extern "C"
