// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_SENDER_HPP
#define SLK_MESSAGING_SOCKET_SENDER_HPP

/// Sends messages: asks the pattern where each goes, and writes it into the pipes of those peers.
/// For the socket's thread.

#include "messaging/pipe/shared_frames.hpp"
#include "messaging/socket/socket_state.hpp"

#include <span>
#include <vector>

namespace slk::messaging {

class sender final : private pattern::room_check {
public:
    explicit sender(socket_state& of) noexcept
        : state_(of), budget_(of.pools.budget->is_limited() ? of.pools.budget.get() : nullptr),
          shared_(of.pools)
    {
    }

    /// The lifetime of messages that have none of their own, in milliseconds; 0: no limit.
    void set_lifetime(std::uint32_t milliseconds) noexcept { lifetime_ = milliseconds; }

    /// The option bursts_end_at_mark, where it has an effect.
    void set_bursts_end_at_mark(bool on) noexcept { bursts_end_at_mark_ = on; }

    /// Sends one message. `to`: the peer that the caller names, or null. `lifetime`: of the
    /// message, as message_detail::access has it. On an error nothing was queued.
    result<send_outcome> send(std::span<const pattern::part_view> parts, const timeout& limit,
                              const peer_id* to = nullptr, std::uint32_t lifetime = 0);
    /// Waits until a message could be sent that begins with this part, and the parts of which are
    /// not all there. Nothing is sent. Errors: those of send() to the peer `to`.
    result<void> await_room(std::span<const std::byte> first_part, const timeout& limit,
                            const peer_id* to = nullptr);
    /// Sends messages of one part until all are queued or the limit ends it; returns their number.
    /// Errors: as send(), if none was queued. Those that were queued are empty then.
    result<std::size_t> send_batch(std::span<message> messages, const timeout& limit);
    /// The same for messages that are copied from the caller's memory.
    result<std::size_t> send_batch(std::span<const std::span<const std::byte>> messages,
                                   const timeout& limit);

    /// XSUB only: sends one message to all peers that have room. Errors: out_of_memory, and then no
    /// peer gets it.
    result<send_outcome> send_upstream(std::span<const pattern::part_view> parts);

    // For receiver::forward() (forwarding.cpp).

    struct forwarded_run {
        std::uint64_t messages = 0;
        std::size_t bytes = 0; ///< of the run
        std::size_t bodies = 0; ///< bytes of their parts
        bool full = false; ///< no peer has room for the next one
    };
    /// Whether messages can be written as frames: of a socket that sends each of them to one peer,
    /// whatever is in it.
    [[nodiscard]] bool takes_frames() const noexcept;
    void begin_forwarding();
    /// Writes whole messages from the beginning of a run of frames, at most `max`, each with a part
    /// before it if `first` is not null. end_forwarding() shows them. Errors: out_of_memory, if
    /// none was written.
    [[nodiscard]] result<forwarded_run> forward(std::span<const std::byte> run,
                                                const pattern::part_view* first, std::uint64_t max);
    /// This number of messages was written since the beginning.
    void end_forwarding(std::uint64_t messages) noexcept;

    /// Whether a send would not wait.
    [[nodiscard]] bool can_send() noexcept { return state_.routes->can_send(*this); }
    /// Whether this peer's queue takes one more message.
    [[nodiscard]] bool has_room(pattern::peer& entry) noexcept override;
    [[nodiscard]] bool has_room_now(pattern::peer& entry) noexcept override;
    [[nodiscard]] bool has_memory() noexcept override
    {
        return budget_ == nullptr || !budget_->is_used_up();
    }
    [[nodiscard]] bool has_room_for_all(pattern::peer& entry) noexcept override;
    void discard_arrived() noexcept override { state_.peers.discard_arrived(); }
    /// Makes visible what a batch has written.
    void publish_staged() noexcept;

    /// The caller begins to wait for a message. Returns true if it has sent one since the last
    /// wait: then it waits for the reply.
    [[nodiscard]] bool begin_wait() noexcept
    {
        return std::exchange(last_, last_call::waited) == last_call::sent;
    }

private:
    [[nodiscard]] time_point expiry(std::uint32_t lifetime) const noexcept
    {
        if (lifetime == 0)
            lifetime = lifetime_;
        return lifetime == 0 ? never : expiry_after(lifetime);
    }
    [[nodiscard]] time_point expiry_after(std::uint32_t lifetime) const noexcept;
    result<void> write_to(pipe& to, std::span<const pattern::part_view> parts, const timeout& limit,
                          time_point expires);
    result<void> write_to_targets(const pattern::routing& where,
                                  std::span<const pattern::part_view> parts, time_point expires);
    [[nodiscard]] result<bool> send_body(pipe& to, const pattern::part_view& whole,
                                         const timeout& limit);
    result<void> write(pipe& to, std::span<const pattern::part_view> parts, time_point expires);
    result<void> write_frames(pipe& to, const frame_run& frames, const pattern::part_view* first);
    result<void> write_with_care(pipe& to, std::span<const pattern::part_view> parts,
                                 time_point expires);
    [[nodiscard]] static bool add_deadlines(std::span<pattern::peer* const> targets,
                                            time_point expires) noexcept;
    static void take_deadlines_back(std::span<pattern::peer* const> targets) noexcept;
    void publish(pipe& to, bool answers) noexcept;
    /// A message is sent. Returns true if the thread has waited for one before: this one answers.
    [[nodiscard]] bool begin_send() noexcept
    {
        return std::exchange(last_, last_call::sent) == last_call::waited;
    }
    [[nodiscard]] bool add_to_run(std::span<const pattern::part_view> parts,
                                  std::uint32_t lifetime) noexcept;
    void look_for_run(std::span<const pattern::part_view> parts, time_point expires) noexcept;
    void count_dropped(send_outcome why, const peer_id* to) noexcept;
    void report_dropped(drop_reason why, std::uint64_t count, const peer_id* to) noexcept;
    void give_turn(bool now) noexcept;
    /// A send that does not wait, with the option bursts_end_at_mark.
    [[nodiscard]] bool is_burst(const timeout& limit) const noexcept
    {
        return bursts_end_at_mark_ && limit.max_wait == duration::zero();
    }
    void begin_burst() noexcept;
    void end_burst() noexcept;
    [[nodiscard]] bool has_room_to_share(pipe& to, const high_water& marks) noexcept;
    [[nodiscard]] result<std::size_t>
    prepare_to_share(std::span<pattern::peer* const> targets,
                     std::span<const pattern::part_view> parts) noexcept;
    result<void> write_copies(std::span<pattern::peer* const> targets,
                              std::span<const pattern::part_view> parts, bool answers,
                              time_point expires);
    template <class Part>
    result<std::size_t> send_all(std::size_t count, const timeout& limit, Part part);

    socket_state& state_;
    const memory_budget* const budget_; ///< of the context; null: it has no limit
    shared_frames shared_; ///< what goes to several peers by tcp or ipc
    std::uint32_t sends_without_turn_ = 0;
    std::uint32_t lifetime_ = 0;
    std::uint32_t repeated_ = 0; ///< messages to the same peers, one after the other
    bool bursts_end_at_mark_ = false;
    bool in_burst_ = false; ///< room is not looked for
    pipe* full_ = nullptr; ///< a peer that was full in this burst, as it was seen last
    bool more_full_ = false; ///< others, too
    std::uint64_t last_look_ = 0; ///< in ticks
    std::vector<pipe*> staged_; ///< pipes with unpublished messages
    std::vector<pattern::part_view> forwarded_parts_; ///< of one message
    enum class last_call : std::uint8_t { none, sent, waited };
    last_call last_ = last_call::none; ///< sent a message, or waited for one
};

} // namespace slk::messaging

#endif
