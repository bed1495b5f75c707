// SPDX-License-Identifier: MPL-2.0
#include "io/os/thread.hpp"

#include "io/os/system.hpp"

#include <memory>
#include <new>
#include <pthread.h>

namespace slk::io::os {

namespace {

struct entry_point {
    thread::body run;
    void* argument;
};

void* enter(void* passed)
{
    const std::unique_ptr<entry_point> entry(static_cast<entry_point*>(passed));
    entry->run(entry->argument);
    return nullptr;
}

} // namespace

result<thread> thread::start(body run, void* argument)
{
    std::unique_ptr<entry_point> entry(new (std::nothrow) entry_point{run, argument});
    if (entry == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    pthread_t native{};
    if (const int refused = pthread_create(&native, nullptr, enter, entry.get()); refused != 0)
        return fail(translate(refused, phase::setup));
    (void)entry.release();
    thread started;
    // pthread_t is a number on Linux and a pointer elsewhere: only this cast converts both.
    started.native_ = (std::uintptr_t)native;
    return started;
}

void thread::join() noexcept
{
    if (joinable())
        pthread_join((pthread_t)native_, nullptr);
    native_ = 0;
}

void thread::detach() noexcept
{
    if (joinable())
        pthread_detach((pthread_t)native_);
    native_ = 0;
}

} // namespace slk::io::os
