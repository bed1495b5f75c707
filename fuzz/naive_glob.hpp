// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_FUZZ_NAIVE_GLOB_HPP
#define SLK_FUZZ_NAIVE_GLOB_HPP

/// Globs as their rules say, one state after the other in plain lists: what pattern::glob is
/// compared with.

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace slk::fuzz {

/// Whether the pattern matches the whole text; nothing if it is malformed.
[[nodiscard]] inline std::optional<bool> naive_glob(std::string_view pattern, std::string_view text)
{
    // What may stand at each place; null: any run.
    std::vector<std::function<bool(unsigned char)>> places;
    const auto at = [&](std::size_t index) { return static_cast<unsigned char>(pattern[index]); };
    for (std::size_t next = 0; next < pattern.size(); ++next) {
        if (pattern[next] == '*') {
            places.emplace_back(nullptr);
        } else if (pattern[next] == '?') {
            places.emplace_back([](unsigned char) { return true; });
        } else if (pattern[next] == '[') {
            bool inverted = false;
            std::vector<std::pair<unsigned char, unsigned char>> ranges;
            if (++next < pattern.size() && (pattern[next] == '^' || pattern[next] == '!')) {
                inverted = true;
                ++next;
            }
            const auto member = [&]() -> std::optional<unsigned char> {
                if (next < pattern.size() && pattern[next] == '\\')
                    ++next;
                if (next >= pattern.size())
                    return std::nullopt;
                return at(next++);
            };
            do {
                const auto low = member();
                if (!low)
                    return std::nullopt;
                auto high = low;
                if (next + 1 < pattern.size() && pattern[next] == '-' && pattern[next + 1] != ']') {
                    ++next;
                    high = member();
                }
                if (!high || *high < *low)
                    return std::nullopt;
                ranges.emplace_back(*low, *high);
            } while (next >= pattern.size() || pattern[next] != ']');
            places.emplace_back([inverted, ranges](unsigned char byte) {
                bool in = false;
                for (const auto& [low, high] : ranges)
                    in = in || (byte >= low && byte <= high);
                return in != inverted;
            });
        } else {
            if (pattern[next] == '\\' && ++next == pattern.size())
                return std::nullopt;
            places.emplace_back([wanted = at(next)](unsigned char byte) { return byte == wanted; });
        }
    }
    // Whether the places from one on match the text from one on, from the end.
    std::vector<bool> behind(text.size() + 1, false);
    behind.back() = true;
    for (std::size_t place = places.size(); place-- > 0;) {
        std::vector<bool> here(text.size() + 1, false);
        for (std::size_t from = text.size() + 1; from-- > 0;) {
            const bool more = from < text.size();
            here[from] = places[place] == nullptr
                             ? behind[from] || (more && here[from + 1])
                             : more && places[place](static_cast<unsigned char>(text[from])) &&
                                   behind[from + 1];
        }
        behind = here;
    }
    return behind.front();
}

} // namespace slk::fuzz

#endif
