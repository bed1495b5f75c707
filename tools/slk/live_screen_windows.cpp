// SPDX-License-Identifier: MPL-2.0
#include "live_screen.hpp"

#include <conio.h>
#include <cstdio>
#include <io.h>
#include <utility>

#include <windows.h>

namespace slk::tool {

struct live_screen::state {
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    HANDLE output = GetStdHandle(STD_OUTPUT_HANDLE);
    DWORD mode_before = 0;
};

live_screen::live_screen(std::unique_ptr<state> made) : state_(std::move(made)) {}

std::unique_ptr<live_screen> live_screen::open()
{
    auto made = std::make_unique<state>();
    CONSOLE_SCREEN_BUFFER_INFO found{};
    if (GetConsoleMode(made->input, &made->mode_before) == 0 ||
        GetConsoleScreenBufferInfo(made->output, &found) == 0)
        return nullptr;
    const DWORD line_mode = ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT;
    SetConsoleMode(made->input, made->mode_before & ~line_mode);
    std::fputs("\x1b[?1049h\x1b[?25l", stdout);
    std::fflush(stdout);
    return std::unique_ptr<live_screen>(new live_screen(std::move(made)));
}

live_screen::~live_screen()
{
    std::fputs("\x1b[?25h\x1b[?1049l", stdout);
    std::fflush(stdout);
    SetConsoleMode(state_->input, state_->mode_before);
}

screen_size live_screen::size() const
{
    CONSOLE_SCREEN_BUFFER_INFO found{};
    if (GetConsoleScreenBufferInfo(state_->output, &found) == 0)
        return {};
    return {static_cast<std::size_t>(found.srWindow.Right - found.srWindow.Left + 1),
            static_cast<std::size_t>(found.srWindow.Bottom - found.srWindow.Top + 1)};
}

std::optional<char> live_screen::key()
{
    if (_kbhit() == 0)
        return std::nullopt;
    return static_cast<char>(_getch());
}

bool live_screen::draw(const std::string& lines)
{
    std::string bytes = "\x1b[H";
    for (const char each : lines)
        bytes += each == '\n' ? std::string("\x1b[K\n") : std::string(1, each);
    bytes += "\x1b[K\x1b[J";
    return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() &&
           std::fflush(stdout) == 0;
}

} // namespace slk::tool
