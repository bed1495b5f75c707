// SPDX-License-Identifier: MPL-2.0
#include "swarm/messages/numbered_message.hpp"

#include "swarm/seeded_random.hpp"

#include <array>
#include <cstring>
#include <span>

namespace slk::swarm::messages {

namespace {

constexpr std::size_t id_size = sizeof(message_id);
constexpr std::size_t max_part = 300'000;
constexpr std::size_t offsets = 1024;

/// Random bytes; the body of each part is a piece of them.
const std::byte* body_bytes()
{
    static const auto made = [] {
        static std::array<std::byte, max_part + offsets> bytes;
        random_stream random(1);
        for (std::byte& each : bytes)
            each = static_cast<std::byte>(random.next());
        return bytes.data();
    }();
    return made;
}

struct part_plan {
    std::size_t size = 0; ///< without the message_id in the first part
    std::size_t offset = 0;
};

struct message_plan {
    std::array<part_plan, 6> parts{};
    std::size_t count = 1;
};

/// Sizes around each limit of frames, messages and lanes.
std::size_t choose_size(seeded_random& from)
{
    const std::uint64_t kind = from.number(0, 99);
    if (kind < 60)
        return from.number(0, 70);
    if (kind < 80)
        return from.number(200, 300);
    if (kind < 90)
        return from.number(500, 9000);
    if (kind < 95)
        return from.number(8180, 8200);
    return kind < 99 ? from.number(9000, 80'000) : from.number(100'000, max_part);
}

message_plan plan_of(message_id id)
{
    seeded_random from((std::uint64_t{id.sender} << 32 | id.number) * 0x9e3779b97f4a7c15u);
    message_plan made;
    made.count = from.chance(70) ? 1 : from.number(2, made.parts.size());
    for (std::size_t index = 0; index < made.count; ++index)
        made.parts[index] = {choose_size(from), from.index(offsets)};
    return made;
}

} // namespace

multipart make_message(message_id id)
{
    const message_plan plan = plan_of(id);
    multipart made;
    for (std::size_t index = 0; index < plan.count; ++index) {
        const part_plan& part = plan.parts[index];
        const std::size_t before = index == 0 ? id_size : 0;
        message whole = *message::allocate(before + part.size);
        const std::span<std::byte> bytes = whole.writable();
        if (index == 0)
            std::memcpy(bytes.data(), &id, id_size);
        if (part.size > 0)
            std::memcpy(bytes.data() + before, body_bytes() + part.offset, part.size);
        made.add(std::move(whole));
    }
    return made;
}

std::size_t part_count(message_id id)
{
    return plan_of(id).count;
}

std::size_t byte_count(message_id id)
{
    const message_plan plan = plan_of(id);
    std::size_t sum = id_size;
    for (std::size_t index = 0; index < plan.count; ++index)
        sum += plan.parts[index].size;
    return sum;
}

std::optional<message_id> id_of(const multipart& received)
{
    if (received.empty() || received[0].size() < id_size)
        return {};
    message_id id;
    std::memcpy(&id, received[0].data(), id_size);
    return id;
}

bool matches(const multipart& received, message_id id)
{
    const message_plan plan = plan_of(id);
    if (received.size() != plan.count)
        return false;
    for (std::size_t index = 0; index < plan.count; ++index) {
        const part_plan& part = plan.parts[index];
        const std::size_t before = index == 0 ? id_size : 0;
        const std::span<const std::byte> bytes = received[index].bytes();
        if (bytes.size() != before + part.size)
            return false;
        if (part.size > 0 &&
            std::memcmp(bytes.data() + before, body_bytes() + part.offset, part.size) != 0)
            return false;
    }
    return true;
}

} // namespace slk::swarm::messages
