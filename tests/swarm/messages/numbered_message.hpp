// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_MESSAGES_NUMBERED_MESSAGE_HPP
#define SLK_TESTS_SWARM_MESSAGES_NUMBERED_MESSAGE_HPP

/// Messages that begin with their sender and their number. The number of their parts, the sizes and
/// every byte follow from these two, so that a receiver can check all of it.

#include <serverlink/message.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace slk::swarm::messages {

struct message_id {
    std::uint32_t sender = 0;
    std::uint32_t number = 0; ///< counted from 0
};

[[nodiscard]] multipart make_message(message_id id);
[[nodiscard]] std::size_t part_count(message_id id);
[[nodiscard]] std::size_t byte_count(message_id id);

/// Returns the sender and number in the message; nothing if it is too short for them.
[[nodiscard]] std::optional<message_id> id_of(const multipart& received);
/// Returns whether the message is exactly what make_message() returns for `id`.
[[nodiscard]] bool matches(const multipart& received, message_id id);

} // namespace slk::swarm::messages

#endif
