// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_FAR_END_HPP
#define SLK_MESSAGING_PIPE_FAR_END_HPP

/// What a pipe sees at the other end of its two lanes: a connection, or with inproc the pipe of
/// another socket. All calls may be made on any thread.

#include <serverlink/result.hpp>

#include "base/message_access.hpp"
#include "base/ref_counted.hpp"
#include "lane/lane.hpp"

namespace slk::messaging {

/// Why a pipe or a connection ends with its socket or endpoint.
inline constexpr error closed_by_owner{errc::cancelled, phase::close, 0, "closed by its owner"};

class far_end : public ref_counted<far_end>, public lane::lane_user {
public:
    /// The lane is readable. The caller's thread sends if it can without waiting; otherwise the far
    /// end is notified.
    virtual void send_or_notify() noexcept { on_readable(); }
    /// As on_readable(), but in a later turn of the loop: the caller may hold a lock.
    virtual void post_readable() noexcept { on_readable(); }
    /// Sends what the lane holds on the caller's thread, as far as that is possible without
    /// waiting. Returns false if nothing was done and the far end was not notified.
    virtual bool send_now() noexcept { return false; }
    /// Sends a message of one large part straight from the caller's memory, behind what the lane
    /// holds, and keeps the caller waiting for a moment if need be. Of what the system does not
    /// take, the lane has a copy on return, or a use of `owner`, which may be null. Returns false
    /// if nothing was done. Errors: out_of_memory; if a part was sent before that, the connection
    /// is lost.
    virtual result<bool> send_body(std::span<const std::byte> body,
                                   message_detail::shared_memory* owner) noexcept
    {
        (void)body, (void)owner;
        return false;
    }
    /// The reader has made room: receives more into the lane on the caller's thread, as far as that
    /// is possible without waiting. Returns false if the far end is to be notified of the room.
    /// `pools`: the caller's.
    virtual bool receive_now(lane::chunk_pools& pools) noexcept
    {
        (void)pools;
        return false;
    }
    /// The lane has a message with a deadline, and had none before.
    virtual void watch_deadlines() noexcept {}
    /// inproc only: what the caller's socket may hold unread has changed.
    virtual void set_far_marks(std::uint64_t messages, std::uint64_t bytes) noexcept
    {
        (void)messages, (void)bytes;
    }
    /// inproc only: this number of messages of the far end have expired before they were read.
    virtual void messages_expired(std::uint64_t count) noexcept { (void)count; }
    /// The pipe is gone: it neither reads nor writes any more.
    virtual void pipe_closed(const error& reason) noexcept = 0;
    /// The pipe gives up the present connection; the next one may come.
    virtual void disconnect(const error& reason) noexcept = 0;
    /// The pipe neither reads nor writes any more: the connection ends when what the lane holds was
    /// sent.
    virtual void finish() noexcept {}

protected:
    friend class ref_counted<far_end>;
    far_end() = default;
    virtual ~far_end() = default;
};

} // namespace slk::messaging

#endif
