// SPDX-License-Identifier: MPL-2.0
#include "swarm/messages/letter.hpp"

#include "swarm/dice.hpp"

#include <array>
#include <cstring>
#include <span>

namespace slk::swarm::messages {

namespace {

constexpr std::size_t head = sizeof(letter_name);
constexpr std::size_t max_part = 300'000;
constexpr std::size_t offsets = 1024;

/// What all parts are cut out of.
const std::byte* text()
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
    std::size_t size = 0; ///< without the head of the first part
    std::size_t offset = 0;
};

struct letter_plan {
    std::array<part_plan, 6> parts{};
    std::size_t count = 1;
};

/// Around every limit that is in frames, messages and lanes.
std::size_t choose_size(dice& from)
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

letter_plan plan_of(letter_name name)
{
    dice from((std::uint64_t{name.writer} << 32 | name.number) * 0x9e3779b97f4a7c15u);
    letter_plan made;
    made.count = from.chance(70) ? 1 : from.number(2, made.parts.size());
    for (std::size_t index = 0; index < made.count; ++index)
        made.parts[index] = {choose_size(from), from.index(offsets)};
    return made;
}

} // namespace

multipart write_letter(letter_name name)
{
    const letter_plan plan = plan_of(name);
    multipart made;
    for (std::size_t index = 0; index < plan.count; ++index) {
        const part_plan& part = plan.parts[index];
        const std::size_t before = index == 0 ? head : 0;
        message whole = *message::allocate(before + part.size);
        const std::span<std::byte> bytes = whole.writable();
        if (index == 0)
            std::memcpy(bytes.data(), &name, head);
        if (part.size > 0)
            std::memcpy(bytes.data() + before, text() + part.offset, part.size);
        made.add(std::move(whole));
    }
    return made;
}

std::size_t parts_of_letter(letter_name name)
{
    return plan_of(name).count;
}

std::size_t bytes_of_letter(letter_name name)
{
    const letter_plan plan = plan_of(name);
    std::size_t sum = head;
    for (std::size_t index = 0; index < plan.count; ++index)
        sum += plan.parts[index].size;
    return sum;
}

std::optional<letter_name> name_of_letter(const multipart& received)
{
    if (received.empty() || received[0].size() < head)
        return {};
    letter_name name;
    std::memcpy(&name, received[0].data(), head);
    return name;
}

bool is_letter(const multipart& received, letter_name name)
{
    const letter_plan plan = plan_of(name);
    if (received.size() != plan.count)
        return false;
    for (std::size_t index = 0; index < plan.count; ++index) {
        const part_plan& part = plan.parts[index];
        const std::size_t before = index == 0 ? head : 0;
        const std::span<const std::byte> bytes = received[index].bytes();
        if (bytes.size() != before + part.size)
            return false;
        if (part.size > 0 &&
            std::memcmp(bytes.data() + before, text() + part.offset, part.size) != 0)
            return false;
    }
    return true;
}

} // namespace slk::swarm::messages
