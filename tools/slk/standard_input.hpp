// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_STANDARD_INPUT_HPP
#define SLK_TOOL_STANDARD_INPUT_HPP

/// stdin, read in such a way that waiting for it can be given up.

#include <memory>
#include <optional>
#include <string>

namespace slk::tool {

class interruption;

/// A thread reads ahead, a little. Reading cannot be interrupted on every system, so that thread is
/// left alone when this ends; it touches nothing of this any more.
class standard_input {
public:
    explicit standard_input(interruption& ctrl_c);
    standard_input(const standard_input&) = delete;
    standard_input& operator=(const standard_input&) = delete;
    ~standard_input();

    /// The next line, without its end (\n or \r\n). Nothing at the end, or when interrupted.
    [[nodiscard]] std::optional<std::string> line();
    /// All that is left. Nothing when interrupted.
    [[nodiscard]] std::optional<std::string> rest();

private:
    struct shared;
    /// More bytes in buffer_. False: the end, or interrupted.
    [[nodiscard]] bool more();

    interruption& ctrl_c_;
    std::shared_ptr<shared> shared_;
    std::string buffer_;
    std::size_t used_ = 0; ///< of the buffer
};

} // namespace slk::tool

#endif
