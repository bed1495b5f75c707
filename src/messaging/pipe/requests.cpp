// SPDX-License-Identifier: MPL-2.0
#include "messaging/pipe/requests.hpp"

#include "zmtp/command.hpp"

namespace slk::messaging {

bool write_request(pipe& to, bool subscribe, std::span<const std::byte> topic) noexcept
{
    constexpr zmtp::version message_form = zmtp::version::v3_0;
    std::byte* const at =
        to.out.write_request(zmtp::subscription_frame_size(message_form, subscribe, topic));
    if (at == nullptr)
        return false;
    zmtp::writer out(at);
    zmtp::write_subscription_frame(out, message_form, subscribe, topic);
    return true;
}

bool write_requests(pipe& to, const pattern::topic_book& topics) noexcept
{
    bool fits = true;
    topics.for_each(
        [&](std::span<const std::byte> topic) { fits = fits && write_request(to, true, topic); });
    if (!fits)
        to.out.discard_unpublished();
    return fits;
}

} // namespace slk::messaging
