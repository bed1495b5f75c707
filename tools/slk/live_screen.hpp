// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_LIVE_SCREEN_HPP
#define SLK_TOOL_LIVE_SCREEN_HPP

/// The whole terminal as a screen that is drawn again and again.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace slk::tool {

struct screen_size {
    std::size_t columns = 80;
    std::size_t rows = 24;
};

/// While it exists, the terminal shows another screen without a cursor, and gives each key at once.
/// Its destructor restores everything, and so does a signal that kills the process, except SIGKILL.
/// One at a time.
class live_screen {
public:
    /// Nothing if stdin or stdout is no terminal.
    [[nodiscard]] static std::unique_ptr<live_screen> open();
    live_screen(const live_screen&) = delete;
    live_screen& operator=(const live_screen&) = delete;
    ~live_screen();

    [[nodiscard]] screen_size size() const;
    /// The next key that was pressed; nothing if there is none. 'q' at the end of the input.
    [[nodiscard]] std::optional<char> key();
    /// Draws lines, whose ends are \n, from the top; the rest becomes empty. False: it is gone.
    [[nodiscard]] bool draw(const std::string& lines);

private:
    struct state;
    explicit live_screen(std::unique_ptr<state> made);
    std::unique_ptr<state> state_;
};

} // namespace slk::tool

#endif
