// SPDX-License-Identifier: MPL-2.0
#include "terminal.hpp"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <io.h>
#include <mutex>
#include <utility>

#include <windows.h>

namespace slk::tool {

namespace {

std::mutex watch_mutex;
std::function<void()>* watching = nullptr;
std::atomic<int> interrupting_signal = 0;

BOOL WINAPI on_control_event(DWORD /*event*/)
{
    const std::lock_guard hold(watch_mutex);
    if (watching == nullptr)
        return FALSE;
    interrupting_signal = SIGINT;
    (*watching)();
    return TRUE;
}

} // namespace

int interrupt_watch::last_signal() noexcept
{
    return interrupting_signal;
}

void prepare_standard_streams()
{
    // A console interprets escape sequences for colours only in this mode.
    const HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    DWORD mode = 0;
    if (GetConsoleMode(out, &mode) != 0)
        SetConsoleMode(out, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

void make_streams_binary()
{
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
}

bool is_terminal(std::FILE* stream)
{
    return _isatty(_fileno(stream)) != 0;
}

bool is_pipe(std::FILE* stream)
{
    const auto handle = reinterpret_cast<HANDLE>(_get_osfhandle(_fileno(stream)));
    return GetFileType(handle) == FILE_TYPE_PIPE;
}

std::size_t read_standard_input(std::span<std::byte> into)
{
    const int count = _read(_fileno(stdin), into.data(), static_cast<unsigned>(into.size()));
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

struct interrupt_watch::state {
    std::function<void()> interrupted;
};

interrupt_watch::interrupt_watch(std::function<void()> interrupted)
    : state_(std::make_unique<state>())
{
    state_->interrupted = std::move(interrupted);
    const std::lock_guard hold(watch_mutex);
    watching = &state_->interrupted;
    SetConsoleCtrlHandler(on_control_event, TRUE);
}

interrupt_watch::~interrupt_watch()
{
    SetConsoleCtrlHandler(on_control_event, FALSE);
    const std::lock_guard hold(watch_mutex);
    watching = nullptr;
}

} // namespace slk::tool
