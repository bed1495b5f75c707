// SPDX-License-Identifier: MPL-2.0
#include "live_screen.hpp"

#include <string_view>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace slk::tool {

namespace {

// The other screen, and no cursor.
constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave = "\x1b[?25h\x1b[?1049l";

constexpr int killing_signals[] = {SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

/// Before the screen was opened. The handler of a signal reads it.
termios terminal_before{};

[[nodiscard]] bool put(std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t count = write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (count <= 0)
            return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

/// Only with calls that the handler of a signal may make.
void restore_terminal()
{
    (void)put(leave);
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal_before);
}

void restore_and_die(int signal)
{
    restore_terminal();
    (void)raise(signal); // its action is the default one again
}

void watch_killing_signals(bool watched)
{
    struct sigaction action{};
    action.sa_handler = watched ? restore_and_die : SIG_DFL;
    action.sa_flags = watched ? static_cast<int>(SA_RESETHAND) | SA_NODEFER : 0;
    sigemptyset(&action.sa_mask);
    for (const int each : killing_signals)
        (void)sigaction(each, &action, nullptr);
}

} // namespace

struct live_screen::state {};

live_screen::live_screen(std::unique_ptr<state> made) : state_(std::move(made)) {}

std::unique_ptr<live_screen> live_screen::open()
{
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1 ||
        tcgetattr(STDIN_FILENO, &terminal_before) != 0)
        return nullptr;
    termios changed = terminal_before;
    changed.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
    changed.c_cc[VMIN] = 0;
    changed.c_cc[VTIME] = 0;
    // Ctrl-C stays. A stopped process would leave the other screen behind.
    changed.c_cc[VSUSP] = _POSIX_VDISABLE;
    changed.c_cc[VQUIT] = _POSIX_VDISABLE;
    watch_killing_signals(true);
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &changed);
    (void)put(enter);
    return std::unique_ptr<live_screen>(new live_screen(std::make_unique<state>()));
}

live_screen::~live_screen()
{
    restore_terminal();
    watch_killing_signals(false);
}

screen_size live_screen::size() const
{
    winsize found{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0)
        return {};
    return {found.ws_col, found.ws_row};
}

std::optional<char> live_screen::key()
{
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, 0) <= 0)
        return std::nullopt;
    char letter = 0;
    return read(STDIN_FILENO, &letter, 1) == 1 ? letter : 'q';
}

bool live_screen::draw(const std::string& lines)
{
    std::string bytes = "\x1b[H";
    for (std::size_t begin = 0; begin < lines.size();) {
        const std::size_t end = lines.find('\n', begin);
        if (begin > 0)
            bytes += "\r\n";
        bytes += lines.substr(begin, end - begin) + "\x1b[K";
        if (end == std::string::npos)
            break;
        begin = end + 1;
    }
    return put(bytes + "\x1b[J");
}

} // namespace slk::tool
