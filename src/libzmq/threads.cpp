// SPDX-License-Identifier: MPL-2.0
#include <libzmq/zmq.h>

#include "io/os/thread.hpp"
#include "libzmq/errors.hpp"

#include <new>
#include <utility>

namespace {

struct started_thread {
    zmq_thread_fn* function;
    void* argument;
    slk::io::os::thread native;
};

void run(void* argument) noexcept
{
    const auto* const self = static_cast<const started_thread*>(argument);
    self->function(self->argument);
}

} // namespace

using namespace slk::libzmq;

void* zmq_threadstart(zmq_thread_fn* function, void* argument)
{
    if (function == nullptr)
        return fail_null(EFAULT);
    auto* const made = new (std::nothrow) started_thread{function, argument, {}};
    if (made == nullptr)
        return fail_null(ENOMEM);
    auto started = slk::io::os::thread::start(run, made);
    if (!started) {
        delete made;
        return fail_null(errno_of(started.error()));
    }
    made->native = std::move(*started);
    return made;
}

void zmq_threadclose(void* thread)
{
    if (thread == nullptr)
        return;
    auto* const closed = static_cast<started_thread*>(thread);
    closed->native.join();
    delete closed;
}
