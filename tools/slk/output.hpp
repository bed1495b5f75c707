// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_OUTPUT_HPP
#define SLK_TOOL_OUTPUT_HPP

/// Lines of text and JSON on standard streams, with colours on a terminal.

#include <serverlink/link_status.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace slk::tool {

enum class colour : std::uint8_t { none, red, green, yellow, blue, bold };

/// Writes whole lines, and remembers when writing has failed.
class printer {
public:
    explicit printer(std::FILE* to);

    void line(const std::string& text);
    /// Writes bytes without a line end.
    void bytes(const void* data, std::size_t size);
    /// Returns the text, coloured if the stream is a terminal and NO_COLOR is not set.
    [[nodiscard]] std::string paint(colour in, std::string_view text) const;

    /// A write has failed. Later ones do nothing.
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    /// Returns `otherwise`, unless writing has failed: exit_broken_pipe when the reader has closed
    /// its pipe, which needs no words; other failures (a full disk) are reported on stderr.
    [[nodiscard]] int exit_code(int otherwise) const;

private:
    std::FILE* to_;
    bool coloured_;
    bool failed_ = false;
};

/// A line on stderr that shows progress, if that is a terminal. Each text replaces the one before;
/// the line is cleared at the end.
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
/// "0.25 s"
[[nodiscard]] std::string short_seconds_text(duration value);
[[nodiscard]] double milliseconds(duration value);
/// `text` with blanks up to `width`.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);
[[nodiscard]] colour colour_of(link_state state) noexcept;

/// Describes a transition of a link on one line. `origin` is the time shown as zero.
[[nodiscard]] std::string state_line(const printer& out, const link_transition& move,
                                     const link_status& status, time_point origin);
/// state_line() with a name behind the time.
[[nodiscard]] std::string named_state_line(const printer& out, std::string_view name,
                                           const link_transition& move, const link_status& status,
                                           time_point origin);
/// The transition that has led to this status, as far as the status alone shows it.
[[nodiscard]] link_transition last_transition(const link_status& status);
/// Describes a transition of a link as JSON.
[[nodiscard]] std::string state_json(const link_transition& move, const link_status& status,
                                     time_point origin);

} // namespace slk::tool

#endif
