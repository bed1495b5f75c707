// SPDX-License-Identifier: MPL-2.0
#include "process.hpp"

#include <stdexcept>
#include <thread>
#include <utility>

#include <windows.h>

namespace slk::tool {

struct child_process::state {
    PROCESS_INFORMATION process{};
    std::thread reading;
};

child_process::child_process(const std::string& /*program*/,
                             const std::vector<std::string>& arguments, reader output)
    : state_(std::make_unique<state>())
{
    wchar_t path[4096];
    const DWORD length = GetModuleFileNameW(nullptr, path, 4096);
    if (length == 0 || length == 4096)
        throw std::runtime_error("the path of this program is not known");

    // Only words without blanks and quotes are passed, so they need no quoting.
    std::wstring line = L"\"" + std::wstring(path, length) + L"\"";
    for (const std::string& word : arguments)
        line += L" " + std::wstring(word.begin(), word.end());

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
    start.hStdError = nowhere;
    const BOOL started = CreateProcessW(path, line.data(), nullptr, nullptr, TRUE, 0, nullptr,
                                        nullptr, &start, &state_->process);
    CloseHandle(nowhere);
    CloseHandle(to);
    if (started == 0) {
        CloseHandle(from);
        throw std::runtime_error("cannot start another process of this program");
    }
    state_->reading = std::thread([from, tell = std::move(output)] {
        char bytes[4096];
        DWORD count = 0;
        while (ReadFile(from, bytes, sizeof bytes, &count, nullptr) != 0)
            tell({bytes, count});
        CloseHandle(from);
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

void child_process::kill()
{
    if (!ended()) {
        TerminateProcess(state_->process.hProcess, 1);
        WaitForSingleObject(state_->process.hProcess, INFINITE);
    }
    if (state_->reading.joinable())
        state_->reading.join();
}

} // namespace slk::tool
