// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_MESSAGING_LANE_MESSAGES_HPP
#define SLK_TESTS_MESSAGING_LANE_MESSAGES_HPP

/// Messages as text, on their way into lanes and out of them; and what they are on the wire,
/// written here once more.

#include "../lane/lane_rig.hpp"
#include "messaging/frame_reader.hpp"
#include "messaging/frame_writer.hpp"

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

inline std::string wire_of(const parts& what)
{
    std::string made;
    for (std::size_t index = 0; index < what.size(); ++index)
        made += frame_of(what[index], index + 1 < what.size());
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

/// Writes and publishes.
inline void send(lane::lane& into, const parts& what)
{
    for (std::size_t index = 0; index < what.size(); ++index)
        REQUIRE(
            messaging::write_part(into, bytes_of(what[index]), nullptr, index + 1 < what.size()));
    (void)into.publish(1);
}

/// The next message, whole; nothing if there is none. Of a message of which one part is there,
/// all are.
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

/// Bytes that differ from each other's neighbours and from those of other texts.
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

/// Mostly small parts, some around the borders where something changes, a few large ones.
inline parts random_parts(std::mt19937& random, std::size_t largest = 20'000)
{
    static constexpr std::size_t borders[] = {0, 1, 64, 65, 255, 256, 8191, 8192, 65'536};
    parts made;
    do {
        std::size_t size = random() % 100;
        if (random() % 8 == 0)
            size = borders[random() % std::size(borders)];
        else if (random() % 8 == 0)
            size = random() % largest;
        made.push_back(text_of_size(std::min(size, largest), static_cast<unsigned>(random())));
    } while (random() % 3 == 0);
    return made;
}

} // namespace slk::testing

#endif
