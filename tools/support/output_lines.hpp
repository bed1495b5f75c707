// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOLS_SUPPORT_OUTPUT_LINES_HPP
#define SLK_TOOLS_SUPPORT_OUTPUT_LINES_HPP

#include <serverlink/clock.hpp>

#include <condition_variable>
#include <cstddef>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace slk::tool {

/// The output of a child_process, line by line: add() is its reader. All threads.
class output_lines {
public:
    /// With `max_bytes`, add() waits while this number of bytes is held and next() does not wait,
    /// so that a process whose output is not read waits as it does with a full pipe. close() must
    /// be called before the process is destroyed then.
    explicit output_lines(std::size_t max_bytes = std::numeric_limits<std::size_t>::max())
        : max_bytes_(max_bytes)
    {
    }

    /// No bytes: the output has ended.
    void add(std::string_view bytes);
    /// Waits for the next line, which is returned without its end (\n or \r\n). Nothing: the
    /// output has ended without another whole line, or `timeout` has passed.
    [[nodiscard]] std::optional<std::string> next(duration timeout);
    /// The output has ended, and all of its lines were taken.
    [[nodiscard]] bool ended();
    /// Discards what has not been taken.
    void discard_rest();
    /// Discards what has not been taken, and all later bytes.
    void close();

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string text_;
    std::size_t searched_ = 0; ///< bytes of text_ without a line end
    std::size_t max_bytes_;
    int waiting_ = 0; ///< calls of next()
    bool ended_ = false;
    bool closed_ = false;
};

} // namespace slk::tool

#endif
