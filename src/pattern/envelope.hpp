// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_ENVELOPE_HPP
#define SLK_PATTERN_ENVELOPE_HPP

/// The envelope of requests and replies (RFC 28): parts that come before the body of a message, the
/// last of which is empty, the delimiter.

#include "base/try_allocate.hpp"
#include "pattern/pattern.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace slk::pattern {

/// The parts that are written for a message with an envelope. They keep their memory for the next
/// one.
class enveloped_parts {
public:
    /// Puts `body` behind `size` parts, which the caller sets. Empty when memory is exhausted.
    [[nodiscard]] std::span<part_view> put_behind(std::size_t size,
                                                  std::span<const part_view> body) noexcept
    {
        if (!try_resize(all_, size + body.size()))
            return {};
        std::ranges::copy(body, all_.begin() + static_cast<std::ptrdiff_t>(size));
        return all_;
    }

private:
    std::vector<part_view> all_;
};

/// A part that ends an envelope. The body, which follows, has at least one part.
[[nodiscard]] inline bool is_delimiter(const message& part) noexcept
{
    return part.more() && part.empty();
}

} // namespace slk::pattern

#endif
