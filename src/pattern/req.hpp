// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_REQ_HPP
#define SLK_PATTERN_REQ_HPP

/// REQ: sends a request to the next peer that has room, and receives the reply of that peer, one
/// after the other. Everything else that arrives is discarded. RFC 28.

#include "pattern/balanced_sending.hpp"
#include "pattern/envelope.hpp"

#include <array>
#include <cstdint>

namespace slk::pattern {

class req final : public pattern {
public:
    /// `first`: the numbers of requests count from here, so that they are not those of an earlier
    /// REQ.
    explicit req(std::uint32_t first) noexcept : pattern(kind::inspecting), next_number_(first) {}

    // The options of this type; see socket_options.
    bool relaxed = false;
    bool correlate = false;

    void set_options(const socket_options& options) noexcept override;

    result<peer*> attach(peer& entry) override;
    result<peer*> resume_sending(peer& entry) override;
    void stop_sending(peer& entry) noexcept override { sending_.remove(entry); }
    /// What is known of a reply that is still to come is its envelope: any peer may bring it.
    void detach(peer& entry) noexcept override;

    void readable(peer& entry, bool is) noexcept override
    {
        is ? receiving_.activate(entry) : receiving_.deactivate(entry);
    }
    void writable(peer& entry, bool is) noexcept override { sending_.writable(entry, is); }

    [[nodiscard]] routing route(std::span<const part_view>& parts, const peer_id*,
                                room_check& rooms) noexcept override;
    void route_failed() noexcept override { stage_ = stage::idle; }
    [[nodiscard]] routing check_send(std::span<const std::byte> first_part, const peer_id* to,
                                     room_check& rooms) noexcept override
    {
        return may_send() ? pattern::check_send(first_part, to, rooms) : routing::refuse(not_now);
    }
    [[nodiscard]] bool can_send(room_check& rooms) noexcept override
    {
        return may_send() && sending_.can_send(rooms);
    }

    [[nodiscard]] peer* receive_from() noexcept override { return receiving_.current(); }
    void received(peer&) noexcept override { receiving_.advance(); }
    [[nodiscard]] result<void> check_receive() const override;
    [[nodiscard]] part_fate inspect(peer& from, message& part, bool first) noexcept override;
    [[nodiscard]] bool in_body() const noexcept override { return stage_ == stage::body; }

private:
    /// What is to be sent or received next.
    enum class stage : std::uint8_t {
        idle, ///< a request
        number, ///< the number in the envelope of the reply
        delimiter, ///< its end
        body,
    };

    static constexpr error not_now{errc::invalid_state, phase::transfer, 0,
                                   "a REQ receives the reply before it sends the next request"};
    [[nodiscard]] bool may_send() const noexcept { return stage_ == stage::idle || relaxed; }

    balanced_sending sending_;
    fair_queue receiving_;
    enveloped_parts written_;
    peer* asked_ = nullptr; ///< whose reply is awaited; null: any peer's
    std::uint32_t next_number_;
    std::array<std::byte, 4> number_{}; ///< of the last request
    bool numbered_ = false; ///< the last request has one
    stage stage_ = stage::idle;
};

} // namespace slk::pattern

#endif
