// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_OUTBOX_HPP
#define SLK_TOOL_OUTBOX_HPP

/// The messages of `slk send` and `slk request`: words, files, or the lines of stdin.

#include "standard_input.hpp"
#include "tools/support/command_line.hpp"

#include <serverlink/message.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace slk::tool {

class interruption;

struct outbox_settings {
    std::vector<std::string> words;
    std::vector<std::string> files; ///< "-": stdin
    bool parts = false;             ///< one message of all of them
    std::optional<std::uint64_t> times;
    std::optional<std::string> delimiter;      ///< between the messages of stdin; none: lines
    std::optional<std::string> part_delimiter; ///< between the parts of each
};

/// `into` must live until the command has run. `prefix` is for the names of the delimiters of
/// stdin:
/// "--" or "--input-".
void add_outbox_options(command& to, outbox_settings& into, const std::string& prefix);
/// Throws usage_error.
void require_valid(const outbox_settings& settings);

class outbox {
public:
    /// Reads files. Throws std::runtime_error.
    outbox(const outbox_settings& settings, interruption& ctrl_c);

    /// Reads the next message. False: there is none, or an interruption.
    [[nodiscard]] bool next(multipart& into);

private:
    void add(message content);
    void read_file(const std::string& path);
    void read_all_records();
    [[nodiscard]] std::optional<std::string> next_record();
    void add_record(multipart& to, std::string_view record) const;

    [[nodiscard]] standard_input& input();

    const outbox_settings& settings_;
    interruption& ctrl_c_;
    std::optional<standard_input> input_;
    bool by_record_ = false; ///< each line is a message as soon as it is read
    std::vector<multipart> all_;
    std::size_t next_ = 0;
    std::uint64_t rounds_ = 0;
};

} // namespace slk::tool

#endif
