// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_ROUTER_HPP
#define SLK_PATTERN_ROUTER_HPP

/// ROUTER: knows its peers by their routing ids, sends each message to the peer that the caller
/// names, and receives the messages of all peers in turn. RFC 28.

#include "pattern/pattern.hpp"
#include "pattern/rotation.hpp"

#include <map>
#include <string_view>

namespace slk::pattern {

class router : public pattern {
public:
    /// `first`: the ids that it makes count from here. `by_connection`: each connection gets an id
    /// that it makes, whatever the peer's own is; else only the peers without one.
    explicit router(std::uint32_t first, bool by_connection = false) noexcept
        : by_connection_(by_connection), next_id_(first)
    {
    }

    // The options of this type; see socket_options.
    bool mandatory = true;
    bool handover = false;
    bool notify_connect = false;
    bool notify_disconnect = false;
    bool notify_inproc = true;

    void set_options(const socket_options& options) noexcept override;

    /// The peer that has this id now. Errors: no_route; peer_replaced (its generation is another
    /// one than the caller's).
    [[nodiscard]] result<peer*> find(const peer_id& id) const noexcept;

    /// Calls visit(peer&) for each peer, in the order of the ids.
    template <class Visit>
    void for_each_peer(Visit&& visit) const
    {
        for (const auto& [id, entry] : by_id_)
            visit(*entry);
    }
    [[nodiscard]] std::size_t known_peers() const noexcept { return by_id_.size(); }

    [[nodiscard]] peer_rule rule() const noexcept override
    {
        return by_connection_ ? peer_rule::one_for_each_connection : peer_rule::one_for_each_id;
    }
    /// A peer without a name is unknown until its handshake.
    [[nodiscard]] bool attaches_unconnected(const peer& entry) const noexcept override
    {
        return entry.named;
    }
    [[nodiscard]] result<void> check_name(std::string_view routing_id) const override;
    /// Errors: address_in_use (the id is taken, and handover is off or connect() has given it).
    result<peer*> attach(peer& entry) override;
    result<peer*> resume_sending(peer& entry) override;
    void stop_sending(peer& entry) noexcept override;
    void detach(peer& entry) noexcept override;
    [[nodiscard]] bool prepare(peer& entry) noexcept override;
    void connected(peer& entry) noexcept override;
    void disconnected(peer& entry) noexcept override;

    void readable(peer& entry, bool is) noexcept override
    {
        is ? receiving_.activate(entry) : receiving_.deactivate(entry);
    }
    void writable(peer&, bool) noexcept override {}

    [[nodiscard]] routing route(std::span<const part_view>& parts, const peer_id* to,
                                room_check& rooms) noexcept override;
    [[nodiscard]] routing check_send(std::span<const std::byte>, const peer_id* to,
                                     room_check& rooms) noexcept override;
    /// Without `mandatory` sending never waits.
    [[nodiscard]] bool can_send(room_check& rooms) noexcept override;

    [[nodiscard]] peer* receive_from() noexcept override { return receiving_.current(); }
    [[nodiscard]] bool receives_from_one() const noexcept override
    {
        return receiving_.is_single();
    }
    void received(peer&) noexcept override { receiving_.advance(); }

private:
    [[nodiscard]] std::string make_id();
    [[nodiscard]] bool reports_begin(const peer& entry) const noexcept
    {
        return notify_connect && (notify_inproc || !entry.by_inproc);
    }
    [[nodiscard]] bool reports_end(const peer& entry) const noexcept
    {
        return notify_disconnect && (notify_inproc || !entry.by_inproc);
    }

    const bool by_connection_;
    fair_queue receiving_;
    std::map<std::string, peer*, std::less<>> by_id_;
    std::uint32_t next_id_;
    std::uint64_t generations_ = 0;
    std::unique_ptr<own_message> begin_notice_; ///< for connected()
};

} // namespace slk::pattern

#endif
