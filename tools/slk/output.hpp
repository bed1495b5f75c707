// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_OUTPUT_HPP
#define SLK_TOOL_OUTPUT_HPP

/// Lines for people, JSON for programs, and colour where a terminal reads them.

#include <serverlink/link_status.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace slk::tool {

enum class colour : std::uint8_t { none, red, green, yellow, blue, bold };

/// Writes whole lines, and notices when nobody reads them any more.
class printer {
public:
    explicit printer(std::FILE* to);

    void line(const std::string& text);
    /// Bytes as they are.
    void bytes(const void* data, std::size_t size);
    /// The text, coloured if this goes to a terminal and NO_COLOR is not set.
    [[nodiscard]] std::string paint(colour in, std::string_view text) const;

    /// A write has failed. Nothing more is written.
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    /// `otherwise`, unless writing failed. A reader that went away is no failure of ours; anything
    /// else (a full disk) is told on stderr.
    [[nodiscard]] int exit_code(int otherwise) const;

private:
    std::FILE* to_;
    bool coloured_;
    bool failed_ = false;
};

/// One line on stderr, for people who wait at a terminal. It is written over, and gone at the end.
class progress_line {
public:
    progress_line();
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;
    ~progress_line() { show(""); }

    void show(const std::string& text);

private:
    bool shown_;
};

/// "12.345s", right-aligned.
[[nodiscard]] std::string seconds_text(duration value);
[[nodiscard]] double milliseconds(duration value);
/// `text`, filled up with blanks.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);
[[nodiscard]] colour colour_of(link_state state) noexcept;

/// One line for people about a move. `origin` is the time shown as zero.
[[nodiscard]] std::string state_line(const printer& out, const link_transition& move,
                                     const link_status& status, time_point origin);
/// The line of state_line for something that has a name.
[[nodiscard]] std::string named_state_line(const printer& out, std::string_view name,
                                           const link_transition& move, const link_status& status,
                                           time_point origin);
/// The move that has led to that status, as far as it can be told from the status alone.
[[nodiscard]] link_transition last_move(const link_status& status);
/// The same as JSON.
[[nodiscard]] std::string state_json(const link_transition& move, const link_status& status,
                                     time_point origin);

} // namespace slk::tool

#endif
