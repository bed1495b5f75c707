// SPDX-License-Identifier: MPL-2.0
#include "base/try_allocate.hpp"
#include "messaging/pipe/pipe.hpp"

#include <string_view>

namespace slk::messaging {

namespace {

/// Returns false when memory is exhausted.
bool add(std::vector<socket_property>& to, std::string_view name, std::string_view value) noexcept
{
    socket_property made;
    return try_assign(made.name, name) && try_assign(made.value, value) &&
           try_push_back(to, std::move(made));
}

/// The host of an address; empty for a local one.
std::string_view host_of(std::string_view text) noexcept
{
    text = text.substr(0, text.rfind(':'));
    if (text.starts_with('['))
        text = text.substr(1, text.size() - 2);
    return text;
}

} // namespace

message_origin* pipe::make_origin() noexcept
{
    if (!info.type || !make_history())
        return nullptr;
    auto made = reference<message_origin>::adopt(message_origin::create());
    if (!made)
        return nullptr;
    auto& all = made->properties;
    const std::string address = to_string(info.peer);
    bool complete =
        add(all, "Socket-Type", zmtp::name_of(*info.type)) &&
        (!zmtp::sends_identity(*info.type) || add(all, "Identity", info.routing_id)) &&
        (info.peer.family == address_family::local || add(all, "Peer-Address", host_of(address)));
    if (info.known)
        for (const socket_property& each : info.known->all())
            complete = complete && add(all, each.name, each.value);
    for (const socket_property& each : info.properties)
        complete = complete && add(all, each.name, each.value);
    if (!complete)
        return nullptr;
    made->descriptor = info.descriptor;
    history->origin = std::move(made);
    return history->origin.get();
}

} // namespace slk::messaging
