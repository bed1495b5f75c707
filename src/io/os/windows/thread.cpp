// SPDX-License-Identifier: MPL-2.0
#include "io/os/thread.hpp"

#include "io/os/system.hpp"

#include <winsock2.h>

#include <windows.h>

#include <cerrno>
#include <memory>
#include <new>
#include <process.h>

namespace slk::io::os {

namespace {

struct entry_point {
    thread::body run;
    void* argument;
};

unsigned __stdcall enter(void* passed)
{
    const std::unique_ptr<entry_point> entry(static_cast<entry_point*>(passed));
    entry->run(entry->argument);
    return 0;
}

HANDLE handle_of(std::uintptr_t native)
{
    return reinterpret_cast<HANDLE>(native);
}

} // namespace

result<thread> thread::start(body run, void* argument)
{
    std::unique_ptr<entry_point> entry(new (std::nothrow) entry_point{run, argument});
    if (entry == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    // _beginthreadex, not CreateThread: the C runtime's per-thread data must exist.
    const std::uintptr_t native = _beginthreadex(nullptr, 0, enter, entry.get(), 0, nullptr);
    if (native == 0)
        return fail(error{errc::out_of_memory, phase::setup, errno, "a thread"});
    (void)entry.release();
    thread started;
    started.native_ = native;
    return started;
}

void thread::join() noexcept
{
    if (joinable()) {
        WaitForSingleObject(handle_of(native_), INFINITE);
        CloseHandle(handle_of(native_));
    }
    native_ = 0;
}

void thread::detach() noexcept
{
    if (joinable())
        CloseHandle(handle_of(native_));
    native_ = 0;
}

} // namespace slk::io::os
