// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_PIPE_ENDS_HPP
#define SLK_MESSAGING_PIPE_PIPE_ENDS_HPP

/// The socket's side of the two lanes of a pipe: pipe_out writes messages, pipe_in reads them. They
/// hide whether a direction is a plain lane or the slot of a conflating socket. For the socket's
/// thread.

#include "messaging/pipe/frame_reader.hpp"
#include "messaging/pipe/frame_writer.hpp"
#include "messaging/pipe/latest_slot.hpp"
#include "messaging/pipe/pipe_lanes.hpp"
#include "pattern/pattern.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace slk::messaging {

class pipe_out {
public:
    /// At most one of `latest` and `shared` is not null.
    pipe_out(lane::lane& to, latest_slot* latest, lane::run_queue* shared) noexcept
        : lane_(to), latest_(latest), shared_(shared)
    {
    }

    /// Writes are allocated from `pools` from now on.
    void allocate_from(lane::chunk_pools& pools) noexcept
    {
        if (latest_ == nullptr)
            lane_.use(pools);
    }
    /// inproc only: the other end conflates, as has just become known.
    void conflate(latest_slot& slot) noexcept;
    [[nodiscard]] bool conflates() const noexcept { return latest_ != nullptr; }

    /// Room for one more message.
    [[nodiscard, gnu::always_inline]] bool has_room(const high_water& marks) noexcept
    {
        if (latest_ != nullptr) [[unlikely]]
            return true;
        return lane_.credit(marks.messages) > staged_ &&
               lane_.byte_credit(marks.bytes, staged_) > 0 && lane_.has_memory(staged_);
    }
    /// Room as it was seen last, by this or by see_room().
    [[nodiscard]] bool has_seen_room(const high_water& marks) noexcept
    {
        return latest_ != nullptr || (lane_.seen_credit(marks.messages) > staged_ &&
                                      lane_.byte_credit(marks.bytes, staged_) > 0);
    }
    void see_room() noexcept { lane_.see_consumed(); }
    /// Where messages are shared: room for one more. `short_of_memory`: the budget of memory is
    /// used up, and only an empty queue has room.
    [[nodiscard]] bool has_room_to_share(const high_water& marks, bool short_of_memory) noexcept
    {
        if (lane_.credit(marks.messages) == 0)
            return false;
        const bool full =
            short_of_memory || (marks.bytes != 0 && shared_->waiting_bytes() >= marks.bytes);
        return !full || lane_.produced() == lane_.consumed_by_now();
    }
    /// Where messages are shared and only their number has a mark, after has_room_to_share(): the
    /// messages that there will still be room for after the next one.
    [[nodiscard]] std::uint32_t room_after_next(std::uint64_t mark) noexcept
    {
        constexpr std::uint64_t most = UINT32_MAX;
        return static_cast<std::uint32_t>(std::min(lane_.credit(mark) - 1, most));
    }
    /// Where messages are shared and only their number has a mark: the messages that there is room
    /// for.
    [[nodiscard]] std::uint64_t room_to_share(std::uint64_t mark) noexcept
    {
        lane_.see_consumed();
        return lane_.seen_credit(mark);
    }
    /// The reader will notify when it has taken more.
    void request_notice() noexcept { lane_.request_notice(); }
    /// Messages go through a queue of runs that several peers refer to.
    [[nodiscard]] bool shares() const noexcept { return shared_ != nullptr; }
    /// Room for the runs of one message. Returns false when memory is exhausted.
    [[nodiscard]] bool reserve_runs(std::size_t runs) noexcept { return shared_->reserve(runs); }
    /// After reserve_runs(): queues one message, or one run of whole messages. Returns true if the
    /// reader waits and must be notified.
    [[nodiscard]] bool share(std::span<const lane::run_view> message) noexcept
    {
        lane_.count(message.back().messages);
        return shared_->append(message);
    }
    /// The lane may have no room because the budget of memory is used up.
    [[nodiscard]] bool is_short_of_memory() const noexcept
    {
        return latest_ == nullptr && lane_.is_short_of_memory();
    }
    /// Returns true if the reader will notify when there is room; false if there is room meanwhile.
    [[nodiscard]] bool must_wait(const high_water& marks) noexcept
    {
        return latest_ == nullptr && lane_.producer_must_wait(marks.messages, marks.bytes);
    }

    /// Writes one message, which the reader sees after publish(). On an error nothing of it was
    /// written. A message of several parts must not follow unpublished ones. Errors: out_of_memory.
    [[nodiscard, gnu::always_inline]] result<void> write(std::span<const pattern::part_view> parts,
                                                         time_point expires = never) noexcept
    {
        if (latest_ != nullptr) [[unlikely]]
            return write_latest(parts, expires);
        if ((int{parts.size() > 1} | int{expires != never}) != 0) [[unlikely]]
            return write_parts(parts, expires);
        if (!write_part(lane_, parts.front().bytes, parts.front().owner, false)) [[unlikely]]
            return fail(no_memory_to_send);
        ++staged_;
        return {};
    }
    /// What was written and not published is overwritten when the reader is done with it. Not for
    /// conflating pipes, and not for bodies that are referred to.
    void mark_secret() noexcept { lane_.mark_secret(); }
    /// Room for this number of messages more, after has_room() has returned true.
    [[nodiscard]] std::uint64_t room(const high_water& marks) noexcept
    {
        return marks.bytes != 0 ? 1 : lane_.seen_credit(marks.messages) - staged_;
    }
    /// Bytes that fit into the present chunk. Not for conflating pipes.
    [[nodiscard]] std::size_t rest() noexcept { return lane_.rest().size(); }
    /// Writes messages as the frames that another lane holds, with a part before them if `first` is
    /// not null. Not for conflating pipes. Returns as write().
    [[nodiscard]] result<void> write_frames(const frame_run& frames,
                                            const pattern::part_view* first) noexcept
    {
        assert(latest_ == nullptr);
        const std::size_t size = first != nullptr ? first->bytes.size() : 0;
        const std::size_t header = first != nullptr ? zmtp::header_size(size) : 0;
        std::byte* const to = lane_.reserve(header + size + frames.bytes.size());
        if (to == nullptr) [[unlikely]]
            return fail(no_memory_to_send);
        if (first != nullptr) {
            zmtp::write_header(to, zmtp::flag_more, size);
            std::memcpy(to + header, first->bytes.data(), size);
        }
        std::memcpy(to + header + size, frames.bytes.data(), frames.bytes.size());
        lane_.commit(header + size + frames.bytes.size());
        staged_ += static_cast<std::uint32_t>(frames.messages);
        return {};
    }
    // Deadlines. Where messages are shared, they are told before share().

    /// The next message has a deadline. Returns false when memory is exhausted.
    [[nodiscard]] bool add_deadline(time_point at) noexcept
    {
        return lane_.add_deadline(lane_.produced() + staged_, at);
    }
    /// The next message is not written.
    void take_deadline_back() noexcept
    {
        lane_.deadlines()->forget_from(lane_.produced() + staged_);
    }
    /// There is one, and no other: its reader may not look at deadlines yet.
    [[nodiscard]] bool has_one_deadline() const noexcept
    {
        return lane_.deadlines() != nullptr && lane_.deadlines()->count() == 1;
    }
    /// When the other end is over: the deadline of the next message in the lane.
    [[nodiscard]] time_point next_deadline() noexcept
    {
        return lane_.has_deadlines() ? lane_.deadlines()->of(lane_.consumed()) : never;
    }
    /// The other end is over, and nothing is taken back. Returns the number of messages that have
    /// expired, once.
    std::uint64_t settle_expired(time_point now) noexcept
    {
        return lane_.has_deadlines() ? lane_.deadlines()->settle(lane_.consumed_by_now(), now) : 0;
    }
    /// Those messages. They are in the lane, and do not count as taken.
    [[nodiscard]] std::uint64_t settled() const noexcept
    {
        return lane_.deadlines() != nullptr ? lane_.deadlines()->settled() : 0;
    }

    /// Takes back what was written and not published. Not for conflating pipes.
    void discard_unpublished() noexcept
    {
        assert(latest_ == nullptr);
        lane_.discard_unpublished();
        staged_ = 0;
    }
    /// Messages that were written and not published.
    [[nodiscard]] std::uint32_t staged() const noexcept { return staged_; }
    /// Returns true if the reader waits and must be notified.
    [[nodiscard, gnu::always_inline]] bool publish() noexcept
    {
        if (latest_ != nullptr) [[unlikely]]
            return std::exchange(staged_, 0) > 0 && std::exchange(notify_, false);
        return lane_.publish(std::exchange(staged_, 0));
    }

    /// When the other end is over: takes back the next message that it has not taken. Returns false
    /// if there is none. A message that there is no memory for is lost: `parts` is empty then.
    /// `expires`: gets its deadline, or never.
    [[nodiscard]] bool take_back(std::vector<message>& parts, time_point& expires,
                                 lane::chunk_pools& pools) noexcept;
    /// When the other end is over: drops what it has not taken, but for the newest `kept` messages.
    /// Returns the number of messages that were dropped.
    std::uint64_t drop_waiting(std::uint64_t kept) noexcept;
    /// Conflating only: a message waits that was written after the one before was taken.
    [[nodiscard]] bool has_latest() const noexcept
    {
        return latest_ != nullptr && latest_->has_message();
    }

    /// Writes a frame that is no message, such as a subscription: it has no mark, and does not
    /// count. publish() shows it. Returns where its bytes go, or null when memory is exhausted.
    [[nodiscard]] std::byte* write_request(std::size_t size) noexcept
    {
        std::byte* const to = lane_.reserve(size);
        if (to != nullptr)
            lane_.commit(size);
        return to;
    }

    /// Whether everything that was written is done with. If not, the reader notifies when it has
    /// taken more.
    [[nodiscard]] bool is_flushed() noexcept;
    /// Messages that the other end has dropped. To be read before counts(), which has them among
    /// those that were taken.
    [[nodiscard]] std::uint64_t lapsed() const noexcept { return lane_.lapsed(); }
    [[nodiscard]] message_counts counts() const noexcept
    {
        return latest_ != nullptr ? latest_->counts(lane_)
                                  : message_counts{lane_.produced(), 0, lane_.consumed_by_now()};
    }

private:
    static constexpr error no_memory_to_send{errc::out_of_memory, phase::transfer};
    [[nodiscard]] result<void> write_parts(std::span<const pattern::part_view> parts,
                                           time_point expires) noexcept;
    [[nodiscard]] result<void> write_latest(std::span<const pattern::part_view> parts,
                                            time_point expires) noexcept;

    lane::lane& lane_;
    latest_slot* latest_;
    lane::run_queue* const shared_;
    std::uint32_t staged_ = 0;
    bool notify_ = false; ///< conflating only: the reader waited when the message was put
};

class pipe_in {
public:
    pipe_in(lane::lane& from, latest_slot* latest) noexcept : lane_(&from), latest_(latest) {}

    void conflate(latest_slot& slot) noexcept { latest_ = &slot; }
    [[nodiscard]] bool conflates() const noexcept { return latest_ != nullptr; }
    /// Moves what has arrived to `into`, a new lane, and reads from there from now on. The one
    /// before is the writer's alone. Returns the number of messages that there was no memory for.
    std::uint64_t move_to(lane::lane& into, lane::chunk_pools& pools) noexcept;

    /// Reads the next part into an empty message, a part_copy or a part_sink. Returns false if the
    /// lane has none; then fetch() may bring more.
    template <class Part>
    [[nodiscard]] bool read(Part& into) noexcept
    {
        return read_part(*lane_, into);
    }
    /// The next part, which stays in the lane. Returns as read().
    [[nodiscard]] bool peek(std::span<const std::byte>& body) noexcept
    {
        return peek_part(*lane_, body);
    }
    /// Moves what waits elsewhere into the lane. Returns false if there is nothing.
    [[nodiscard]] bool fetch(lane::chunk_pools& pools) noexcept
    {
        return latest_ != nullptr && latest_->move_to(*lane_, pools);
    }
    [[nodiscard]] bool readable() noexcept
    {
        return lane_->readable() || (latest_ != nullptr && latest_->has_message());
    }
    /// Whether there ever was a message. For the writer's thread.
    [[nodiscard]] bool was_written() const noexcept
    {
        return latest_ != nullptr ? latest_->counts(*lane_).written > 0 : lane_->produced() > 0;
    }
    /// Whether all that was written was received. For the writer's thread.
    [[nodiscard]] bool was_read() const noexcept
    {
        if (latest_ == nullptr)
            return lane_->produced() == lane_->consumed_by_now();
        const message_counts all = latest_->counts(*lane_);
        return all.written == all.replaced + all.taken;
    }
    /// inproc only: messages have deadlines, so that drop_expired() is to be called before each.
    [[nodiscard]] bool has_deadlines() const noexcept { return lane_->has_deadlines(); }
    /// Between two messages: drops the next ones if they have expired. Returns their number. What
    /// was dropped is given back as by consume(); `notify`: the writer waits and must be notified.
    std::uint64_t drop_expired(time_point now, bool& notify) noexcept;
    /// inproc only, while nobody else reads: drops what waits, but for the newest `kept` messages.
    /// `has_requests`: subscriptions are among them, which go with the messages around them.
    /// Returns the number of messages that were dropped.
    std::uint64_t drop_waiting(std::uint64_t kept, bool has_requests) noexcept;
    /// Returns true if the writer will notify; false if there is something to read meanwhile.
    [[nodiscard]] bool must_wait() noexcept
    {
        return (latest_ == nullptr || latest_->reader_must_wait()) && lane_->consumer_must_wait();
    }

    /// Gives back the room of `messages` messages that were read. Returns true if the writer waits
    /// for room and must be notified; without `look` it is not asked.
    [[nodiscard]] bool consume(std::uint64_t messages, bool look) noexcept
    {
        return lane_->consume(messages, look);
    }
    /// Where bytes have a mark: shows the writer which of them were read. Before consume().
    void update_consumed_bytes() noexcept { lane_->update_consumed_bytes(); }
    [[nodiscard]] std::uint64_t consumed_bytes() const noexcept { return lane_->consumed_bytes(); }
    [[nodiscard]] std::uint64_t consumed() const noexcept { return lane_->consumed(); }
    /// When the other end is over: what is not read yet.
    [[nodiscard]] high_water unread() const noexcept
    {
        return {lane_->produced() - lane_->consumed(), lane_->waiting_bytes()};
    }
    /// Messages that newer ones replaced before they were read.
    [[nodiscard]] std::uint64_t replaced() const noexcept
    {
        return latest_ != nullptr ? latest_->counts(*lane_).replaced : 0;
    }
    [[nodiscard]] lane::lane& lane() noexcept { return *lane_; }

private:
    lane::lane* lane_;
    latest_slot* latest_;
};

} // namespace slk::messaging

#endif
