// SPDX-License-Identifier: MPL-2.0

// wait_for(): by select(), which does not change a socket, as WSAEventSelect() does, and reports a
// connect that failed, as WSAPoll() does not on older systems.

#include "base/try_allocate.hpp"
#include "io/os/signal.hpp"
#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace slk::io::os {

namespace {

/// An fd_set with room for any number of sockets, which FD_SETSIZE is not a limit of: the system
/// reads as many as the first word says (Microsoft, select).
class any_fd_set {
public:
    [[nodiscard]] bool make_room(std::size_t count) noexcept
    {
        return try_resize(words_, count + 1);
    }
    void add(native_handle handle) noexcept
    {
        words_[++words_[0]] = static_cast<std::uintptr_t>(handle);
    }
    [[nodiscard]] fd_set* get() noexcept { return reinterpret_cast<fd_set*>(words_.data()); }
    /// After select(): their order is not documented.
    void sort() noexcept { std::ranges::sort(begin(), end()); }
    [[nodiscard]] bool has(native_handle handle) const noexcept
    {
        return std::binary_search(begin(), end(), static_cast<std::uintptr_t>(handle));
    }

private:
    static_assert(sizeof(SOCKET) == sizeof(std::uintptr_t));
    static_assert(offsetof(fd_set, fd_count) == 0);
    static_assert(offsetof(fd_set, fd_array) == sizeof(std::uintptr_t));

    [[nodiscard]] std::uintptr_t* begin() noexcept { return words_.data() + 1; }
    [[nodiscard]] std::uintptr_t* end() noexcept { return begin() + words_[0]; }
    [[nodiscard]] const std::uintptr_t* begin() const noexcept { return words_.data() + 1; }
    [[nodiscard]] const std::uintptr_t* end() const noexcept { return begin() + words_[0]; }

    std::vector<std::uintptr_t> words_;
};

/// Rounded up to the system's milliseconds: a rest of less than one would end at once, again and
/// again.
timeval rounded(duration timeout) noexcept
{
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(
        std::min<duration>(timeout, std::chrono::hours(24)));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(whole);
    timeval made{};
    made.tv_sec = static_cast<long>(seconds.count());
    made.tv_usec = static_cast<long>((whole - seconds).count() * 1000);
    return made;
}

} // namespace

result<std::size_t> wait_for(std::span<watched> all, duration timeout, bool*)
{
    any_fd_set readable, writable, failed;
    if (!readable.make_room(all.size()) || !writable.make_room(all.size()) ||
        !failed.make_room(all.size()))
        return fail(errc::out_of_memory, phase::none);
    bool any = false;
    for (const watched& each : all) {
        if (each.for_reading)
            readable.add(each.handle);
        if (each.for_writing)
            writable.add(each.handle);
        // Urgent data is reported there too: one who only reads would be woken in vain.
        if (each.for_writing || each.for_failure || each.for_urgent)
            failed.add(each.handle);
        any = any || each.for_reading || each.for_writing || each.for_failure || each.for_urgent;
    }
    timeval limit = rounded(timeout);
    if (any && ::select(0, // ignored on Windows
                        readable.get(), writable.get(), failed.get(), &limit) == SOCKET_ERROR) {
        if (::WSAGetLastError() == WSAENOTSOCK)
            return fail(errc::invalid_argument, phase::none, "not an open descriptor");
        return fail(windows::last_error(phase::none));
    }
    for (any_fd_set* const each : {&readable, &writable, &failed})
        each->sort();
    std::size_t ready = 0;
    for (watched& each : all) {
        const bool exceptional = any && failed.has(each.handle);
        each.failed = (each.for_writing || each.for_failure) && exceptional;
        each.urgent = each.for_urgent && exceptional;
        const bool over = each.failed && !each.apart;
        each.readable = each.for_reading && (readable.has(each.handle) || over);
        each.writable = each.for_writing && (writable.has(each.handle) || over);
        ready += each.readable || each.writable || each.failed || each.urgent ? 1 : 0;
    }
    return ready;
}

} // namespace slk::io::os
