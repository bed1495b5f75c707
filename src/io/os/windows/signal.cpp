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

result<std::unique_ptr<signal>> signal::create(bool as_socket)
{
    std::unique_ptr<signal> made(new (std::nothrow) signal);
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    if (as_socket) {
        SLK_TRY(const SOCKET socket, windows::open_to_itself());
        made->waits_ = made->raises_ = static_cast<native_handle>(socket);
        return made;
    }
    const HANDLE event = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
    if (event == nullptr)
        return fail(translate(static_cast<int>(::GetLastError()), phase::setup));
    made->waits_ = reinterpret_cast<native_handle>(event);
    return made;
}

signal::~signal()
{
    if (raises_ != invalid_handle)
        ::closesocket(windows::socket_of(raises_));
    else if (waits_ != invalid_handle)
        ::CloseHandle(event_of(waits_));
}

bool signal::raise() noexcept
{
    if (raises_ != invalid_handle) {
        const char one = 1;
        return ::send(windows::socket_of(raises_), &one, 1, 0) == 1;
    }
    return ::SetEvent(event_of(waits_)) != FALSE;
}

void signal::lower() noexcept
{
    if (raises_ != invalid_handle) {
        char taken[16];
        while (::recv(windows::socket_of(waits_), taken, sizeof taken, 0) > 0) {
        }
        return;
    }
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
