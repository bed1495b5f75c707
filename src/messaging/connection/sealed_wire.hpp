// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_SEALED_WIRE_HPP
#define SLK_MESSAGING_CONNECTION_SEALED_WIRE_HPP

/// CURVE's boxes between a stream and any other wire, which has the same frames as without CURVE.
///
/// Until the handshake is over, the bytes go through as they are. After that each frame travels in
/// a box, whose contents cannot be looked at before all of it is there.

#include "messaging/connection/wire_in.hpp"
#include "messaging/connection/wire_out.hpp"
#include "zmtp/curve/peer.hpp"
#include "zmtp/session_options.hpp"

#include <algorithm>
#include <memory>

namespace slk::messaging {

/// Bytes that are written at its end and read at its beginning.
class byte_buffer {
public:
    /// Room for this many bytes behind what it holds, in one piece. Returns false when memory is
    /// exhausted.
    [[nodiscard]] bool make_room(std::size_t bytes) noexcept;
    [[nodiscard]] std::span<std::byte> room() noexcept
    {
        return {memory_.get() + end_, capacity_ - end_};
    }
    void commit(std::size_t bytes) noexcept { end_ += bytes; }
    [[nodiscard]] std::span<const std::byte> rest() const noexcept
    {
        return {memory_.get() + begin_, end_ - begin_};
    }
    void skip(std::size_t bytes) noexcept
    {
        begin_ += bytes;
        if (begin_ == end_)
            begin_ = end_ = 0;
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    /// The capacity after make_room().
    [[nodiscard]] std::size_t capacity_with(std::size_t bytes) const noexcept
    {
        return std::max(capacity_, end_ - begin_ + bytes);
    }
    /// What counts in the budget of memory: small buffers do not.
    [[nodiscard]] static constexpr std::size_t counted(std::size_t capacity) noexcept
    {
        return capacity > max_uncounted ? capacity : 0;
    }
    static constexpr std::size_t max_uncounted = std::size_t{128} * 1024;
    /// Forgets what it holds, and gives the memory back.
    void free() noexcept
    {
        memory_.reset();
        capacity_ = begin_ = end_ = 0;
    }

private:
    std::unique_ptr<std::byte[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

/// Receives boxes into memory of its own, and puts the frames in them into the other wire. A frame
/// with a large body goes to the memory of that body.
class sealed_wire_in final : public wire_in {
public:
    /// `options`: of the sessions; they must outlive the wire.
    sealed_wire_in(std::unique_ptr<wire_in> into, const zmtp::session_options& options) noexcept;
    ~sealed_wire_in() override { free_buffer(); }

    [[nodiscard]] std::span<std::byte> space(std::size_t wanted) noexcept override;
    void received(std::size_t bytes) noexcept override;
    [[nodiscard]] bool was_filled() const noexcept override
    {
        return keys_ != nullptr ? was_filled_ : into_->was_filled();
    }
    [[nodiscard]] std::span<const std::byte> window() noexcept override;
    void drop(std::size_t bytes) noexcept override { into_->drop(bytes); }
    [[nodiscard]] bool take(const zmtp::scanned& found) noexcept override
    {
        return into_->take(found);
    }
    void take_request(bool subscribe, std::span<const std::byte> topic,
                      std::size_t bytes) noexcept override
    {
        into_->take_request(subscribe, topic, bytes);
    }
    [[nodiscard]] bool end_requests() noexcept override { return into_->end_requests(); }
    [[nodiscard]] bool begin_body(std::size_t header, std::uint64_t size) noexcept override
    {
        return into_->begin_body(header, size);
    }
    [[nodiscard]] bool receives_body() const noexcept override { return into_->receives_body(); }
    [[nodiscard]] std::size_t body_progress() noexcept override;
    [[nodiscard]] bool end_body() noexcept override;
    [[nodiscard]] bool publish_body() noexcept override { return into_->publish_body(); }
    void set_memory_user(memory_user& user) noexcept override { into_->set_memory_user(user); }
    [[nodiscard]] bool waits_for_memory() const noexcept override
    {
        return into_->waits_for_memory();
    }
    [[nodiscard]] bool must_give_memory_back() const noexcept override
    {
        return into_->must_give_memory_back();
    }
    void withdraw_claim() noexcept override { into_->withdraw_claim(); }
    [[nodiscard]] bool hold_apart(std::size_t before, std::size_t now) noexcept override
    {
        return into_->hold_apart(before, now);
    }
    [[nodiscard]] time_point look_for_memory(time_point now) noexcept override
    {
        return into_->look_for_memory(now);
    }
    [[nodiscard]] std::uint64_t credit() noexcept override { return into_->credit(); }
    [[nodiscard]] bool must_wait() noexcept override { return into_->must_wait(); }
    void request_notice() noexcept override { into_->request_notice(); }
    [[nodiscard]] bool allows_direct_io() const noexcept override
    {
        return into_->allows_direct_io();
    }
    void allocate_from(lane::chunk_pools& pools) noexcept override { into_->allocate_from(pools); }
    void keep_secret(bool is) noexcept override { into_->keep_secret(is); }
    [[nodiscard]] bool connection_ready() noexcept override { return into_->connection_ready(); }
    [[nodiscard]] bool open_with(zmtp::curve_peer* keys) noexcept override;
    [[nodiscard]] error failure() const noexcept override { return failure_; }
    [[nodiscard]] bool end_connection() noexcept override;

private:
    [[nodiscard]] bool take_early() noexcept;
    void open_frames() noexcept;
    [[nodiscard]] std::span<const std::byte> next_box(zmtp::frame_header& outer) noexcept;
    [[nodiscard]] bool begin_large(std::span<const std::byte> box) noexcept;
    void open_body() noexcept;
    void end_box() noexcept;
    void shrink() noexcept;
    [[nodiscard]] bool make_room(std::size_t bytes) noexcept;
    void free_buffer() noexcept;

    const std::unique_ptr<wire_in> into_;
    const zmtp::frame_limits limits_; ///< of boxes
    const std::size_t large_body_;
    zmtp::curve_peer* keys_ = nullptr; ///< null: bytes go through
    byte_buffer buffer_;
    std::size_t offered_ = 0; ///< by the last space()
    bool offers_plain_ = false; ///< the last space() was the other wire's
    bool was_filled_ = false;
    std::uint8_t small_receives_ = 0; ///< in a row, into a large buffer
    std::size_t missing_ = 0; ///< of the first box
    /// The first box holds a large body: how much of it is in the other wire, the flags included.
    std::size_t opened_ = 0;
    error failure_{};
};

/// Seals what the other wire gives, a run of whole frames at a time. A run is sent before the next
/// one is sealed, and nothing else in between: the peer takes numbers in their order.
class sealed_wire_out final : public wire_out {
public:
    /// `budget`: counts what is sealed; may be null.
    explicit sealed_wire_out(std::unique_ptr<wire_out> from,
                             std::shared_ptr<memory_budget> budget = {}) noexcept
        : from_(std::move(from)), budget_(std::move(budget))
    {
    }
    ~sealed_wire_out() override { free_sealed(); }

    std::size_t gather(std::vector<piece>& pieces, std::uint64_t before = no_message) override;
    progress taken(std::size_t bytes, bool look) noexcept override;
    void set_user(far_end& user) noexcept override { from_->set_user(user); }
    void begin_connection() noexcept override;
    void connection_ready(zmtp::version speaks) noexcept override
    {
        from_->connection_ready(speaks);
    }
    void seal_with(zmtp::curve_peer* keys) noexcept override { keys_ = keys; }
    void end_connection() noexcept override;
    void depart() noexcept override { from_->depart(); }
    [[nodiscard]] error why_torn() const noexcept override
    {
        return torn_ ? torn_ : from_->why_torn();
    }
    [[nodiscard]] bool inside_frame() const noexcept override { return !sealed_.rest().empty(); }
    [[nodiscard]] bool inside_message() const noexcept override
    {
        return !sealed_.rest().empty() || from_->inside_message();
    }
    progress drop_message() noexcept override { return from_->drop_message(); }
    [[nodiscard]] bool must_wait() noexcept override
    {
        return sealed_.rest().empty() && (torn_ || from_->must_wait());
    }
    [[nodiscard]] bool allows_direct_io() const noexcept override
    {
        return from_->allows_direct_io();
    }
    [[nodiscard]] bool sends_as_it_is() const noexcept override { return false; }

private:
    class frames;
    [[nodiscard]] bool seal() noexcept;
    [[nodiscard]] bool make_room(std::size_t bytes) noexcept;
    void free_sealed() noexcept;

    const std::unique_ptr<wire_out> from_;
    const std::shared_ptr<memory_budget> budget_;
    zmtp::curve_peer* keys_ = nullptr;
    std::vector<piece> plain_; ///< what was gathered
    byte_buffer sealed_;
    std::size_t part_ = 0; ///< bytes of the first box in sealed_ that were taken already
    error torn_{};
};

} // namespace slk::messaging

#endif
