// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_XPUB_HPP
#define SLK_PATTERN_XPUB_HPP

/// XPUB: a PUB whose caller receives the subscriptions of its peers as messages, and the messages
/// that they send. RFC 29, and libzmq's options.
///
/// What waits for the caller is limited for each peer. A peer at its limit has to wait: what it
/// sends stays in its lane. The topics of peers that have gone stay in the index until the caller
/// has received what there is to report about them, so that the end of a peer needs no memory.

#include "base/list.hpp"
#include "pattern/pub.hpp"

#include <memory>
#include <vector>

namespace slk::pattern {

class xpub final : public pub {
public:
    /// `budget`: that topics count in, and what waits; may be null.
    explicit xpub(std::uint64_t secret, std::shared_ptr<memory_budget> budget = nullptr) noexcept
        : pub(secret, budget), budget_(std::move(budget)), requests_(secret)
    {
        requests_.count_in(budget_);
    }
    ~xpub() override;

    result<peer*> resume_sending(peer& entry) override;
    void stop_sending(peer& entry) noexcept override;

    [[nodiscard]] bool takes_more(peer& from) noexcept override;
    [[nodiscard]] peer* next_to_resume() noexcept override;
    [[nodiscard]] result<bool> take_request(peer& from, message& part, bool first,
                                            bool limited) noexcept override;

    [[nodiscard]] result<router_event> receive_own(message& into, peer_id*) noexcept override;
    [[nodiscard]] std::uint64_t discard_own() noexcept override;

    [[nodiscard]] routing route(std::span<const part_view>& parts, const peer_id*,
                                room_check& rooms) noexcept override;
    [[nodiscard]] bool repeats_route() const noexcept override
    {
        return !last_value_ && pub::repeats_route();
    }
    void route_failed() noexcept override { next_ = next_before_; }
    [[nodiscard]] routing check_send(std::span<const std::byte> first_part, const peer_id* to,
                                     room_check& rooms) noexcept override;

    void set_options(const socket_options& options) noexcept override;

    /// For the peer whose report was received last. Errors: invalid_state (not `manual`), no_route
    /// (there is none, or it has gone), out_of_memory.
    [[nodiscard]] result<void> subscribe_last(topic_view topic) noexcept;
    [[nodiscard]] result<void> unsubscribe_last(topic_view topic) noexcept;

private:
    /// What the caller will receive: a report of a request, or a part of a message.
    struct waiting_part : list_node {
        message content;
        peer* from = nullptr; ///< null: it has gone
        bool is_report = false;
    };
    using part_list = list<waiting_part>;
    /// What is known about a peer, by its number in the index.
    struct record {
        std::uint32_t waiting = 0; ///< parts that wait for the caller
        std::uint32_t kept = 0; ///< of those, the ones that are no reports
        std::uint32_t next_gone = no_number;
        std::uint64_t bytes = 0; ///< of those parts, with what each of them takes besides
        std::size_t held_at = SIZE_MAX; ///< in held_
        /// In requests_, of a peer whose subscriptions are the caller's.
        std::uint32_t manual_number = no_number;
    };

    [[nodiscard]] result<void> request(peer& from, bool subscribe, topic_view topic,
                                       bool limited) noexcept override;
    [[nodiscard]] result<void> keep(message& part) noexcept;
    [[nodiscard]] static std::unique_ptr<waiting_part> make_report(bool subscribe,
                                                                   topic_view topic) noexcept;
    void push(std::unique_ptr<waiting_part> part, peer* from) noexcept;
    [[nodiscard]] bool report_gone() noexcept;
    void update_own() noexcept { own_messages.set_others(!waiting_.empty() || gone_ != no_number); }

    [[nodiscard]] bool become_manual(record& of, peer& entry) noexcept;
    [[nodiscard]] record& record_of(const peer& entry) noexcept
    {
        return records_[number_of(entry)];
    }
    [[nodiscard]] bool has_room(const record& of, std::uint64_t share) const noexcept;
    /// What peers that have gone have left is not too much.
    [[nodiscard]] bool gone_fits() const noexcept;
    void look_again(bool gone_fitted) noexcept;
    /// What a part counts in the limit of its peer.
    [[nodiscard]] static std::uint64_t cost_of(std::size_t size) noexcept
    {
        return size + sizeof(waiting_part);
    }
    /// In the budget.
    [[nodiscard]] static std::uint64_t memory_of(const waiting_part& part) noexcept
    {
        const std::size_t size = part.content.size();
        return sizeof(waiting_part) + (size > message::inline_capacity ? size : 0);
    }
    void uncount(const waiting_part& gone) noexcept
    {
        if (budget_ != nullptr)
            budget_->remove(memory_of(gone));
    }
    void release(peer& held) noexcept;

    /// Where the topics are that are to be reported when the peer has gone.
    [[nodiscard]] subscription_index& reported_of(const record& gone) noexcept
    {
        return gone.manual_number != no_number ? requests_ : index();
    }
    [[nodiscard]] static std::uint32_t reported_number(const record& gone,
                                                       std::uint32_t number) noexcept
    {
        return gone.manual_number != no_number ? gone.manual_number : number;
    }
    [[nodiscard]] result<peer*> last_reported() const noexcept;

    const std::shared_ptr<memory_budget> budget_;
    /// What peers have asked for whose subscriptions are the caller's.
    subscription_index requests_;
    peer* last_ = nullptr; ///< whose report was received last
    part_list waiting_;
    part_list begun_; ///< of the message whose parts are arriving
    std::vector<record> records_;
    std::vector<peer*> held_; ///< peers that wait for the caller; with room for every peer
    std::size_t left_to_look_ = 0; ///< of held_, from its beginning
    peer* may_resume_ = nullptr; ///< one of held_
    std::uint32_t gone_ = no_number; ///< the first peer that has gone; the others are its chain
    // Of peers that have gone: what is still to be received.
    std::uint64_t gone_topics_ = 0;
    std::uint64_t gone_parts_ = 0;
    std::uint64_t gone_bytes_ = 0;
    /// Who gets the next message.
    enum class next_targets : std::uint8_t { all, last, nobody };
    next_targets next_ = next_targets::all;
    next_targets next_before_ = next_targets::all; ///< before the last route()
    bool holds_back_ = true;
    std::uint64_t mark_ = 0; ///< parts of each peer that may wait; 0: no limit
    bool verbose_ = false;
    bool verboser_ = false;
    bool manual_ = false;
    bool last_value_ = false;
};

} // namespace slk::pattern

#endif
