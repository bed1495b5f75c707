// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_PEER_PROPERTIES_HPP
#define SLK_MESSAGING_PIPE_PEER_PROPERTIES_HPP

/// Properties of a peer that do not change, and that several threads may hold on to.

#include <serverlink/authentication.hpp>

#include "base/ref_counted.hpp"
#include "base/reference.hpp"

#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slk::messaging {

class peer_properties final : public ref_counted<peer_properties> {
public:
    /// ZAP's name for the name that a peer was given when it was let in.
    static constexpr std::string_view user_id = "User-Id";

    /// Null when memory is exhausted.
    [[nodiscard]] static reference<peer_properties>
    create(std::vector<socket_property>&& all) noexcept
    {
        return reference<peer_properties>::adopt(new (std::nothrow)
                                                     peer_properties(std::move(all)));
    }
    [[nodiscard]] const std::vector<socket_property>& all() const noexcept { return all_; }
    /// The value of the first property of that name, or null.
    [[nodiscard]] const std::string* find(std::string_view name) const noexcept
    {
        for (const socket_property& each : all_)
            if (each.name == name)
                return &each.value;
        return nullptr;
    }

private:
    friend class ref_counted<peer_properties>;
    explicit peer_properties(std::vector<socket_property>&& all) noexcept : all_(std::move(all)) {}
    ~peer_properties() = default;

    const std::vector<socket_property> all_;
};

} // namespace slk::messaging

#endif
