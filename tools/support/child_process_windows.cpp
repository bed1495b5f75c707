// SPDX-License-Identifier: MPL-2.0
#include "tools/support/child_process.hpp"

#include <ratio>
#include <stdexcept>
#include <thread>
#include <utility>

#include <windows.h>

namespace slk::tool {

namespace {

[[nodiscard]] std::wstring wide(const std::string& text)
{
    const int size = static_cast<int>(text.size());
    std::wstring made(text.size(), L' ');
    made.resize(static_cast<std::size_t>(
        MultiByteToWideChar(CP_UTF8, 0, text.data(), size, made.data(), size)));
    return made;
}

/// A FILETIME counts 100 ns.
[[nodiscard]] duration duration_of(const FILETIME& time)
{
    using ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;
    return ticks((static_cast<std::int64_t>(time.dwHighDateTime) << 32) | time.dwLowDateTime);
}

} // namespace

struct child_process::state {
    PROCESS_INFORMATION process{};
    bool killed = false;
    std::thread reading;
};

child_process::child_process(std::vector<std::string> words, error_output errors, reader output)
    : state_(std::make_unique<state>())
{
    std::wstring line = L"\"" + wide(words.at(0)) + L"\"";
    for (std::size_t i = 1; i < words.size(); ++i)
        line += L" " + wide(words[i]);

    SECURITY_ATTRIBUTES inherited{sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
    const HANDLE nowhere =
        CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                    &inherited, OPEN_EXISTING, 0, nullptr);
    HANDLE from = nullptr;
    HANDLE to = nullptr;
    if (CreatePipe(&from, &to, &inherited, 0) == 0)
        throw std::runtime_error("cannot make a pipe");
    SetHandleInformation(from, HANDLE_FLAG_INHERIT, 0);
    STARTUPINFOW start{};
    start.cb = sizeof start;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = nowhere;
    start.hStdOutput = to;
    start.hStdError = errors == error_output::to_reader   ? to
                      : errors == error_output::discarded ? nowhere
                                                          : GetStdHandle(STD_ERROR_HANDLE);
    const BOOL started = CreateProcessW(nullptr, line.data(), nullptr, nullptr, TRUE, 0, nullptr,
                                        nullptr, &start, &state_->process);
    CloseHandle(nowhere);
    CloseHandle(to);
    if (started == 0) {
        CloseHandle(from);
        throw std::runtime_error("cannot start " + words[0]);
    }
    state_->reading = std::thread([from, tell = std::move(output)] {
        char bytes[4096];
        DWORD count = 0;
        while (ReadFile(from, bytes, sizeof bytes, &count, nullptr) != 0)
            if (count > 0)
                tell({bytes, count});
        CloseHandle(from);
        tell({});
    });
}

child_process::~child_process()
{
    kill();
    CloseHandle(state_->process.hThread);
    CloseHandle(state_->process.hProcess);
}

unsigned long child_process::id() const noexcept
{
    return state_->process.dwProcessId;
}

bool child_process::ended()
{
    return WaitForSingleObject(state_->process.hProcess, 0) == WAIT_OBJECT_0;
}

void child_process::wait()
{
    WaitForSingleObject(state_->process.hProcess, INFINITE);
    if (state_->reading.joinable())
        state_->reading.join();
}

std::optional<int> child_process::exit_code()
{
    DWORD code = 0;
    if (!ended() || state_->killed || GetExitCodeProcess(state_->process.hProcess, &code) == 0)
        return std::nullopt;
    return static_cast<int>(code);
}

void child_process::kill()
{
    if (!ended()) {
        state_->killed = true;
        TerminateProcess(state_->process.hProcess, 1);
    }
    wait();
}

std::optional<duration> child_process::processor_time()
{
    FILETIME created{};
    FILETIME end{};
    FILETIME in_system{};
    FILETIME in_program{};
    if (ended() ||
        GetProcessTimes(state_->process.hProcess, &created, &end, &in_system, &in_program) == 0)
        return std::nullopt;
    return duration_of(in_system) + duration_of(in_program);
}

std::string path_of_this_program(const std::string& called)
{
    wchar_t path[4096];
    const DWORD length = GetModuleFileNameW(nullptr, path, 4096);
    if (length == 0 || length == 4096)
        return called;
    std::string text(std::size_t{length} * 3, ' ');
    text.resize(static_cast<std::size_t>(
        WideCharToMultiByte(CP_UTF8, 0, path, static_cast<int>(length), text.data(),
                            static_cast<int>(text.size()), nullptr, nullptr)));
    return text;
}

} // namespace slk::tool
