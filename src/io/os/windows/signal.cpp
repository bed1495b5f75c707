// SPDX-License-Identifier: MPL-2.0
#include "io/os/signal.hpp"

#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

#include <algorithm>
#include <chrono>
#include <climits>
#include <new>

namespace slk::io::os {

namespace {

HANDLE event_of(native_handle handle) noexcept
{
    return reinterpret_cast<HANDLE>(handle);
}

} // namespace

result<std::unique_ptr<signal>> signal::create()
{
    std::unique_ptr<signal> made(new (std::nothrow) signal);
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    const HANDLE event = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
    if (event == nullptr)
        return fail(translate(static_cast<int>(::GetLastError()), phase::setup));
    made->waits_ = reinterpret_cast<native_handle>(event);
    return made;
}

signal::~signal()
{
    if (waits_ != invalid_handle)
        ::CloseHandle(event_of(waits_));
}

bool signal::raise() noexcept
{
    return ::SetEvent(event_of(waits_)) != FALSE;
}

void signal::lower() noexcept
{
    ::ResetEvent(event_of(waits_));
}

result<bool> wait_until_writable(native_handle socket, duration timeout) noexcept
{
    WSAPOLLFD asked{.fd = windows::socket_of(socket), .events = POLLWRNORM, .revents = 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    const int ready =
        ::WSAPoll(&asked, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX)));
    if (ready == SOCKET_ERROR)
        return fail(translate(::WSAGetLastError(), phase::none));
    if (ready > 0 && (asked.revents & POLLNVAL) != 0)
        return fail(errc::invalid_argument, phase::none, "not an open socket");
    return ready > 0;
}

} // namespace slk::io::os
