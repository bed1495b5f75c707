// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_STREAM_HPP
#define SLK_PATTERN_STREAM_HPP

/// STREAM: a ROUTER whose peers do not speak ZMTP. Each connection is a peer of its own, and what
/// was queued for one never goes to another.

#include "pattern/router.hpp"

namespace slk::pattern {

class stream final : public router {
public:
    explicit stream(std::uint32_t first) noexcept : router(first) { keeps_queues = false; }

    void set_options(const socket_options& options) noexcept override
    {
        pattern::set_options(options);
    }
    /// The peer of a connect() has a name from the beginning.
    [[nodiscard]] bool attaches_unconnected(const peer&) const noexcept override { return true; }
    void received(peer& entry) noexcept override
    {
        first_ = !entry.was_heard;
        entry.was_heard = true;
        router::received(entry);
    }
    /// Without a peer a send fails at once.
    [[nodiscard]] bool can_send(room_check& rooms) noexcept override
    {
        return known_peers() == 0 || router::can_send(rooms);
    }
    /// The message that was received last was the first one of its peer.
    [[nodiscard]] bool first() const noexcept { return first_; }
    /// The notice of its end was received, which may come before the report of it.
    void ended(const peer_id& id) noexcept
    {
        if (const auto known = find(id); known)
            stop_sending(**known);
    }

private:
    bool first_ = false;
};

} // namespace slk::pattern

#endif
