// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_MESSAGING_LANE_MESSAGES_HPP
#define SLK_TESTS_MESSAGING_LANE_MESSAGES_HPP

/// Messages as text, on their way into lanes and out of them, and their bytes on the wire, which
/// are encoded here independently of the library.

#include "lane/lane_rig.hpp"
#include "messaging/pipe/frame_reader.hpp"
#include "messaging/pipe/frame_writer.hpp"

#include <optional>
#include <random>
#include <string>
#include <vector>

namespace slk::testing {

using parts = std::vector<std::string>;

/// ZMTP's frame of a part (RFC 23).
inline std::string frame_of(std::string_view body, bool more)
{
    std::string made;
    const bool is_long = body.size() > 255;
    made += static_cast<char>((more ? 1 : 0) | (is_long ? 2 : 0));
    for (unsigned shift = is_long ? 56 : 0;; shift -= 8) {
        made += static_cast<char>(static_cast<std::uint64_t>(body.size()) >> shift);
        if (shift == 0)
            break;
    }
    return made.append(body);
}

inline std::string wire_of(const parts& whole)
{
    std::string made;
    for (std::size_t index = 0; index < whole.size(); ++index)
        made += frame_of(whole[index], index + 1 < whole.size());
    return made;
}

inline std::string wire_of(const std::vector<parts>& messages)
{
    std::string made;
    for (const parts& each : messages)
        made += wire_of(each);
    return made;
}

inline std::span<const std::byte> bytes_of(std::string_view text) noexcept
{
    return std::as_bytes(std::span(text));
}

/// Writes and publishes one message.
inline void send(lane::lane& into, const parts& whole)
{
    for (std::size_t index = 0; index < whole.size(); ++index)
        REQUIRE(
            messaging::write_part(into, bytes_of(whole[index]), nullptr, index + 1 < whole.size()));
    (void)into.publish(1);
}

/// The next message; nothing if there is none. If one part of a message can be read, so can the
/// others.
inline std::optional<parts> receive(lane::lane& from)
{
    parts all;
    message next;
    do {
        next.clear();
        if (!messaging::read_part(from, next)) {
            REQUIRE(all.empty());
            return {};
        }
        all.emplace_back(next.text());
    } while (next.more());
    return all;
}

/// Pseudo-random bytes, so that a byte that is lost or moved is noticed. Texts with another salt
/// differ.
inline std::string text_of_size(std::size_t size, unsigned salt = 0)
{
    std::string made(size, '\0');
    unsigned state = salt * 2654435761u + 1;
    for (char& byte : made) {
        state = state * 1664525u + 1013904223u;
        byte = static_cast<char>(state >> 24);
    }
    return made;
}

/// Mostly small parts, some of sizes at which the encoding or the memory changes, a few large ones.
inline parts random_parts(std::mt19937& random, std::size_t max_size = 20'000)
{
    static constexpr std::size_t borders[] = {0, 1, 64, 65, 255, 256, 8191, 8192, 65'536};
    parts made;
    do {
        std::size_t size = random() % 100;
        if (random() % 8 == 0)
            size = borders[random() % std::size(borders)];
        else if (random() % 8 == 0)
            size = random() % max_size;
        made.push_back(text_of_size(std::min(size, max_size), static_cast<unsigned>(random())));
    } while (random() % 3 == 0);
    return made;
}

} // namespace slk::testing

#endif
