// SPDX-License-Identifier: MPL-2.0
#include "parts.hpp"

#include <cstring>

namespace slk::testing {

std::string random_bytes(std::uint64_t seed, std::size_t size)
{
    std::string made(size, '\0');
    std::uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
    for (std::size_t at = 0; at < size; at += sizeof state) {
        // xorshift64: Marsaglia, "Xorshift RNGs", 2003.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        std::memcpy(made.data() + at, &state, std::min(sizeof state, size - at));
    }
    return made;
}

const std::vector<parts>& sample_messages()
{
    static const std::vector<parts> made = [] {
        std::vector<parts> all;
        std::uint64_t seed = 0;
        const auto add = [&](std::initializer_list<std::size_t> sizes) {
            parts whole;
            for (const std::size_t size : sizes)
                whole.push_back(random_bytes(++seed, size));
            all.push_back(std::move(whole));
        };
        for (const std::size_t size :
             {0u, 1u, 64u, 65u, 255u, 256u, 8191u, 8192u, 65536u, 1u << 20, 0u})
            add({size});
        add({1, 0, 2});
        add({0, 0});
        add({8192, 8191, 65536, 0, 100'000, 3});
        add({255, 256, 255, 256});
        all.emplace_back(200, "a small part");
        add({300'000, 300'000});
        add({600'000, 600'000, 5});
        add({5});
        return all;
    }();
    return made;
}

multipart to_multipart(const parts& whole)
{
    multipart made;
    for (const std::string& part : whole)
        (void)made.add(part);
    return made;
}

std::string shape_of(const parts& whole)
{
    std::string text = std::to_string(whole.size()) + " parts:";
    for (const std::string& part : whole)
        text += " " + std::to_string(part.size());
    return text + " bytes";
}

} // namespace slk::testing
