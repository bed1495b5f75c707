// SPDX-License-Identifier: MPL-2.0
#include "pattern/make_pattern.hpp"

#include "pattern/dealer.hpp"
#include "pattern/pair.hpp"
#include "pattern/pull.hpp"
#include "pattern/push.hpp"
#include "pattern/router.hpp"

#include <new>

namespace slk::pattern {

std::unique_ptr<pattern> make_pattern(zmtp::socket_type type, std::uint64_t random) noexcept
{
    using enum zmtp::socket_type;
    pattern* made = nullptr;
    switch (type) {
    case zmtp::socket_type::pair: made = new (std::nothrow) class pair; break;
    case zmtp::socket_type::push: made = new (std::nothrow) class push; break;
    case zmtp::socket_type::pull: made = new (std::nothrow) class pull; break;
    case zmtp::socket_type::dealer: made = new (std::nothrow) class dealer; break;
    case zmtp::socket_type::router:
        made = new (std::nothrow) class router(static_cast<std::uint32_t>(random));
        break;
    case pub:
    case sub:
    case req:
    case rep:
    case xpub:
    case xsub: break;
    }
    return std::unique_ptr<pattern>(made);
}

bool may_conflate(zmtp::socket_type type) noexcept
{
    return type == zmtp::socket_type::push || type == zmtp::socket_type::pull ||
           type == zmtp::socket_type::dealer;
}

} // namespace slk::pattern
