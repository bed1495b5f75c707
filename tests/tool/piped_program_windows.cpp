// SPDX-License-Identifier: MPL-2.0
// Without the command interpreter, which _popen() would start: it costs most of the time of a short
// program, and takes a part of the quotes.
#include "piped_program.hpp"

#include <utility>

#include <fcntl.h>
#include <io.h>
#include <windows.h>

namespace slk::testing {

namespace {

/// The file may have its name on the system that runs Wine.
[[nodiscard]] std::string as_seen_by_the_system(std::string path)
{
    if (path.starts_with('/'))
        path = "Z:" + path;
    for (char& letter : path)
        letter = letter == '/' ? '\\' : letter;
    return path;
}

[[nodiscard]] piped_program failed(const char* step)
{
    piped_program program;
    program.reason = std::string(step) + ": error " + std::to_string(::GetLastError());
    return program;
}

[[nodiscard]] HANDLE open_input(const std::string& path, SECURITY_ATTRIBUTES& inherited)
{
    return ::CreateFileA(path.empty() ? "NUL" : as_seen_by_the_system(path).c_str(), GENERIC_READ,
                         FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING,
                         FILE_ATTRIBUTE_NORMAL, nullptr);
}

} // namespace

piped_program open_program(const std::string& path, const std::string& arguments,
                           const std::string& input)
{
    SECURITY_ATTRIBUTES inherited{sizeof inherited, nullptr, TRUE};
    HANDLE ours = nullptr;
    HANDLE theirs = nullptr;
    if (::CreatePipe(&ours, &theirs, &inherited, 0) == 0)
        return failed("CreatePipe");
    (void)::SetHandleInformation(ours, HANDLE_FLAG_INHERIT, 0);

    STARTUPINFOA start{};
    start.cb = sizeof start;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = open_input(input, inherited);
    start.hStdOutput = theirs;
    start.hStdError = theirs;
    PROCESS_INFORMATION started{};
    std::string command = "\"" + as_seen_by_the_system(path) + "\" " + arguments;
    const auto create = [&] {
        return ::CreateProcessA(nullptr, command.data(), nullptr, nullptr, TRUE, 0, nullptr,
                                nullptr, &start, &started) != 0;
    };
    bool is_started = create();
    // Wine has no process for a moment now and then.
    for (int tries = 0; !is_started && ::GetLastError() == ERROR_INTERNAL_ERROR && tries < 10;
         ++tries) {
        ::Sleep(100);
        is_started = create();
    }
    piped_program program;
    if (is_started) {
        (void)::CloseHandle(started.hThread);
        program.process = started.hProcess;
        program.output =
            ::_fdopen(::_open_osfhandle(reinterpret_cast<intptr_t>(ours), _O_RDONLY), "rb");
    } else {
        program = failed("CreateProcess");
        (void)::CloseHandle(ours);
    }
    (void)::CloseHandle(start.hStdInput);
    (void)::CloseHandle(theirs);
    return program;
}

int close_program(piped_program& program)
{
    (void)std::fclose(std::exchange(program.output, nullptr));
    const HANDLE process = std::exchange(program.process, nullptr);
    DWORD code = 0;
    const bool ended = ::WaitForSingleObject(process, INFINITE) == WAIT_OBJECT_0 &&
                       ::GetExitCodeProcess(process, &code) != 0;
    (void)::CloseHandle(process);
    return ended ? static_cast<int>(code) : -1;
}

} // namespace slk::testing
