// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_MESSAGES_LETTER_HPP
#define SLK_TESTS_SWARM_MESSAGES_LETTER_HPP

/// A letter: a message that says who wrote it and as which of his, so that everything else about it
/// is known: how many parts it has, how long they are, and every byte.

#include <serverlink/message.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace slk::swarm::messages {

struct letter_name {
    std::uint32_t writer = 0;
    std::uint32_t number = 0; ///< from 0 on
};

[[nodiscard]] multipart write_letter(letter_name name);
[[nodiscard]] std::size_t parts_of_letter(letter_name name);
[[nodiscard]] std::size_t bytes_of_letter(letter_name name);

/// What the message says it is; nothing if it is too short for a letter.
[[nodiscard]] std::optional<letter_name> name_of_letter(const multipart& received);
/// All of it is there, and nothing else.
[[nodiscard]] bool is_letter(const multipart& received, letter_name name);

} // namespace slk::swarm::messages

#endif
