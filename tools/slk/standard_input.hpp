// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_STANDARD_INPUT_HPP
#define SLK_TOOL_STANDARD_INPUT_HPP

/// stdin, with reads that an interruption ends.

#include <memory>
#include <optional>
#include <string>

namespace slk::tool {

class interruption;

/// A thread reads some bytes ahead. Not every system can interrupt a read, so the thread is
/// detached and may outlive this object, of which it then uses only the shared part.
class standard_input {
public:
    explicit standard_input(interruption& ctrl_c);
    standard_input(const standard_input&) = delete;
    standard_input& operator=(const standard_input&) = delete;
    ~standard_input();

    /// Returns the next line without its end (\n or \r\n). Nothing at the end of the input, and
    /// when interrupted.
    [[nodiscard]] std::optional<std::string> line();
    /// Returns what is in front of the next delimiter, or of the end of the input, byte by byte.
    /// Nothing at the end of the input, and when interrupted.
    [[nodiscard]] std::optional<std::string> until(const std::string& delimiter);
    /// Returns the rest of the input. Nothing when interrupted.
    [[nodiscard]] std::optional<std::string> rest();

private:
    struct shared;
    /// Waits for more bytes in buffer_. False: the input has ended, or an interruption.
    [[nodiscard]] bool more();

    interruption& ctrl_c_;
    std::shared_ptr<shared> shared_;
    std::string buffer_;
    std::size_t used_ = 0; ///< bytes of buffer_ that were returned
};

} // namespace slk::tool

#endif
