// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_MESSAGE_ORIGIN_HPP
#define SLK_BASE_MESSAGE_ORIGIN_HPP

/// Where a received message came from: what the peer has told of itself, and what is known of it.
/// One for each connection, which all of its messages share; it does not change.

#include <serverlink/message.hpp>
#include <serverlink/socket_options.hpp>

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace slk {

struct message_origin final : message_detail::shared_memory {
    /// Null when memory is exhausted.
    [[nodiscard]] static message_origin* create() noexcept
    {
        auto* const made = new (std::nothrow) message_origin;
        if (made != nullptr)
            made->dispose = destroy;
        return made;
    }
    /// The value of the first property of that name, or null.
    [[nodiscard]] const std::string* find(std::string_view name) const noexcept
    {
        const auto found = std::ranges::find(properties, name, &socket_property::name);
        return found != properties.end() ? &found->value : nullptr;
    }

    std::vector<socket_property> properties; ///< with the names of ZMTP and ZAP
    std::int32_t descriptor = -1; ///< of the connection

private:
    static void destroy(shared_memory* self) noexcept { delete static_cast<message_origin*>(self); }
};

} // namespace slk

#endif
