// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_GLOB_HPP
#define SLK_PATTERN_GLOB_HPP

/// A glob: a pattern that a message matches with its whole first part, byte by byte. `*` stands for
/// any bytes, also none, and `?` for any one; `[abc]`, `[a-z]`, `[^abc]` and `[!abc]` for one byte
/// that is, or is not, in a set; a backslash takes the next byte as it is, also in a set. In a set
/// a
/// `]` that comes first, and a `-` that comes first or last, are bytes like others.
///
/// All ways to match are followed at once, as one bit each: the time grows with the size of the
/// message, whatever the pattern is.

#include <serverlink/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace slk::pattern {

class glob {
public:
    /// Bytes of a pattern.
    static constexpr std::size_t max_size = 255;

    /// The bytes that every message begins with which matches.
    struct beginning {
        std::array<std::byte, max_size> bytes{};
        std::size_t size = 0;

        [[nodiscard]] std::span<const std::byte> view() const noexcept
        {
            return std::span(bytes).first(size);
        }
    };

    /// Errors: invalid_argument (the detail tells what is wrong with it), out_of_memory.
    [[nodiscard]] static result<glob> compile(std::span<const std::byte> pattern) noexcept;
    /// Of a pattern that compile() takes.
    [[nodiscard]] static beginning beginning_of(std::span<const std::byte> pattern) noexcept;

    [[nodiscard]] bool matches(std::span<const std::byte> message) const noexcept;

private:
    /// One bit for each number of the pattern's bytes and sets that have matched by now.
    static constexpr std::size_t max_words = (max_size + 1 + 63) / 64;
    using states = std::array<std::uint64_t, max_words>;

    std::size_t words_ = 1; ///< that are used
    std::size_t length_ = 0; ///< bytes and sets of the pattern
    states loops_{}; ///< there a `*` takes any byte
    /// For each byte: the states that it leads on from, `words_` each.
    std::vector<std::uint64_t> moves_;
};

} // namespace slk::pattern

#endif
