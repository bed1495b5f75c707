// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_REP_HPP
#define SLK_PATTERN_REP_HPP

/// REP: receives the requests of all peers in turn, and sends the reply to each of them before it
/// receives the next one. It keeps the envelope of the request, and puts it before the reply.
/// RFC 28.

#include "pattern/envelope.hpp"
#include "pattern/rotation.hpp"

#include <cstdint>
#include <vector>

namespace slk::pattern {

class rep final : public pattern {
public:
    rep() noexcept : pattern(kind::inspecting) {}

    result<peer*> attach(peer& entry) override;
    result<peer*> resume_sending(peer& entry) override
    {
        entry.send_place = 0;
        return nullptr;
    }
    /// A reply to this peer is dropped.
    void stop_sending(peer& entry) noexcept override;
    void detach(peer& entry) noexcept override;

    void readable(peer& entry, bool is) noexcept override
    {
        is ? receiving_.activate(entry) : receiving_.deactivate(entry);
    }
    void writable(peer&, bool) noexcept override {}

    [[nodiscard]] routing route(std::span<const part_view>& parts, const peer_id*,
                                room_check& rooms) noexcept override;
    void route_failed() noexcept override { stage_ = stage::reply; }
    [[nodiscard]] bool can_send(room_check&) noexcept override { return stage_ == stage::reply; }
    [[nodiscard]] routing check_send(std::span<const std::byte>, const peer_id*,
                                     room_check&) noexcept override
    {
        return stage_ == stage::reply ? routing::to_targets(0) : routing::refuse(not_now);
    }

    [[nodiscard]] peer* receive_from() noexcept override { return receiving_.current(); }
    void received(peer&) noexcept override { receiving_.advance(); }
    [[nodiscard]] result<void> check_receive() const override;
    [[nodiscard]] part_fate inspect(peer& from, message& part, bool first) noexcept override;
    [[nodiscard]] bool in_body() const noexcept override { return stage_ == stage::body; }

    [[nodiscard]] bool reply_is_due() const noexcept { return stage_ == stage::reply; }
    /// After reply_is_due(): the caller did not get the request, and sends no reply.
    void forget_request() noexcept { stage_ = stage::envelope; }

private:
    /// What is to be received or sent next.
    static constexpr error not_now{errc::invalid_state, phase::transfer, 0,
                                   "a REP receives a request before it sends the reply"};

    enum class stage : std::uint8_t {
        envelope, ///< of the next request
        body,
        reply,
    };

    fair_queue receiving_;
    std::vector<message> envelope_; ///< of the last request
    enveloped_parts written_;
    peer* asking_ = nullptr; ///< the peer of the last request; null: it is gone
    stage stage_ = stage::envelope;
};

} // namespace slk::pattern

#endif
