// SPDX-License-Identifier: MPL-2.0
#include "pattern/glob.hpp"

#include "base/try_allocate.hpp"

#include <bitset>
#include <optional>

namespace slk::pattern {

namespace {

using byte_set = std::bitset<256>;

[[nodiscard]] unexpected malformed(const char* why)
{
    return fail(errc::invalid_argument, phase::setup, why);
}

/// What a pattern is made of.
struct token {
    bool any_run = false; ///< a `*`
    byte_set set{}; ///< else: the bytes that match here
    std::optional<std::byte> literal{}; ///< the only one, if it stands there as itself
};

/// Takes a pattern apart.
class token_reader {
public:
    explicit token_reader(std::span<const std::byte> pattern) noexcept : left_(pattern) {}

    [[nodiscard]] bool done() const noexcept { return left_.empty(); }
    /// Errors: invalid_argument.
    [[nodiscard]] result<token> next() noexcept
    {
        token made;
        switch (std::to_integer<unsigned char>(take())) {
        case '*': made.any_run = true; return made;
        case '?': made.set.set(); return made;
        case '[': {
            SLK_TRY(made.set, rest_of_set());
            return made;
        }
        case '\\':
            if (left_.empty())
                return malformed("the pattern ends with a backslash");
            made.literal = take();
            break;
        default: made.literal = last_; break;
        }
        made.set.set(std::to_integer<std::size_t>(*made.literal));
        return made;
    }

private:
    std::byte take() noexcept
    {
        last_ = left_.front();
        left_ = left_.subspan(1);
        return last_;
    }
    [[nodiscard]] bool comes(char which) const noexcept
    {
        return !left_.empty() && left_.front() == static_cast<std::byte>(which);
    }
    [[nodiscard]] result<std::size_t> member() noexcept
    {
        if (comes('\\'))
            take();
        if (left_.empty())
            return malformed("a set of the pattern is not closed");
        return std::to_integer<std::size_t>(take());
    }
    /// Behind the bracket.
    [[nodiscard]] result<byte_set> rest_of_set() noexcept
    {
        byte_set found;
        const bool inverted = comes('^') || comes('!');
        if (inverted)
            take();
        bool first = true;
        while (first || !comes(']')) {
            first = false;
            SLK_TRY(const std::size_t from, member());
            std::size_t to = from;
            const bool is_range =
                comes('-') && left_.size() > 1 && left_[1] != static_cast<std::byte>(']');
            if (is_range) {
                take();
                SLK_TRY(to, member());
                if (to < from)
                    return malformed("a range of the pattern is reversed");
            }
            for (std::size_t each = from; each <= to; ++each)
                found.set(each);
        }
        take();
        return inverted ? ~found : found;
    }

    std::span<const std::byte> left_;
    std::byte last_{};
};

} // namespace

result<glob> glob::compile(std::span<const std::byte> pattern) noexcept
{
    if (pattern.size() > max_size)
        return malformed("the pattern is too long");
    glob made;
    for (token_reader reader(pattern); !reader.done();) {
        SLK_TRY(const token next, reader.next());
        made.length_ += next.any_run ? 0 : 1;
    }
    made.words_ = made.length_ / 64 + 1;
    if (!try_resize(made.moves_, 256 * made.words_))
        return fail(errc::out_of_memory, phase::setup);
    std::size_t place = 0;
    for (token_reader reader(pattern); !reader.done();) {
        SLK_TRY(const token next, reader.next());
        const std::uint64_t bit = std::uint64_t{1} << place % 64;
        if (next.any_run) {
            made.loops_[place / 64] |= bit;
            continue;
        }
        for (std::size_t each = 0; each < next.set.size(); ++each)
            if (next.set[each])
                made.moves_[each * made.words_ + place / 64] |= bit;
        ++place;
    }
    return made;
}

glob::beginning glob::beginning_of(std::span<const std::byte> pattern) noexcept
{
    beginning made;
    for (token_reader reader(pattern); !reader.done();) {
        const auto next = reader.next();
        if (!next || !next->literal)
            break;
        made.bytes[made.size++] = *next->literal;
    }
    return made;
}

bool glob::matches(std::span<const std::byte> message) const noexcept
{
    const std::size_t end_word = length_ / 64;
    const std::uint64_t end_bit = std::uint64_t{1} << length_ % 64;
    states now{1};
    for (const std::byte each : message) {
        if ((now[end_word] & loops_[end_word] & end_bit) != 0)
            return true; // whatever follows
        const std::uint64_t* const moves = &moves_[std::to_integer<std::size_t>(each) * words_];
        std::uint64_t carried = 0, any = 0;
        for (std::size_t word = 0; word < words_; ++word) {
            const std::uint64_t moved = now[word] & moves[word];
            now[word] = moved << 1 | carried | (now[word] & loops_[word]);
            carried = moved >> 63;
            any |= now[word];
        }
        if (any == 0)
            return false;
    }
    return (now[end_word] & end_bit) != 0;
}

} // namespace slk::pattern
