// SPDX-License-Identifier: MPL-2.0
#include "process.hpp"

#include <stdexcept>

#include <windows.h>

namespace slk::tool {

struct child_process::state {
    PROCESS_INFORMATION process{};
};

child_process::child_process(const std::string& /*program*/,
                             const std::vector<std::string>& arguments)
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
    STARTUPINFOW start{};
    start.cb = sizeof start;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = nowhere;
    start.hStdOutput = nowhere;
    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    const BOOL started = CreateProcessW(path, line.data(), nullptr, nullptr, TRUE, 0, nullptr,
                                        nullptr, &start, &state_->process);
    CloseHandle(nowhere);
    if (started == 0)
        throw std::runtime_error("cannot start another process of this program");
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
    if (ended())
        return;
    TerminateProcess(state_->process.hProcess, 1);
    WaitForSingleObject(state_->process.hProcess, INFINITE);
}

} // namespace slk::tool
