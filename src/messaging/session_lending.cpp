// SPDX-License-Identifier: MPL-2.0

// What the loop lends to the thread that uses the socket: sending while nothing is under way, and
// receiving while the session has paused.

#include "messaging/session.hpp"

#include <algorithm>
#include <utility>

namespace slk::messaging {

namespace {

/// Of half a megabyte each, by a thread that the loop may have to wait for.
constexpr int max_sends = 4;

/// A thread that fills its lane with so much before the loop comes, and sends it by itself, is
/// likely to go on. To ring the loop with each first message of what follows would hold it up more
/// than anything else: instead, the loop looks after such a lane by itself, the more seldom the
/// longer that lasts. What is left behind when the thread stops waits for that look.
constexpr std::size_t bytes_of_stream = 16384;
constexpr duration min_watch = std::chrono::microseconds(100);
constexpr duration max_watch = std::chrono::microseconds(800);

} // namespace

// --- by the thread that uses the socket ---

void session::carry() noexcept
{
    if (!send_now())
        lane_readable();
}

/// False: the loop is sending, or must be told that it should.
bool session::send_now() noexcept
{
    const auto* const direct = on_->core->io().direct();
    std::unique_lock lock(lent_, std::try_to_lock);
    if (direct == nullptr || !lock || !sending_is_lent_)
        return false;
    // To the end of the lane, where sleeps() may be asked; if that is far, the loop goes on.
    for (int sends = 0; sending_is_lent_ && (sends < max_sends || on_->by_caller); ++sends) {
        pieces_.clear();
        const std::size_t offered = out_.gather(pieces_);
        if (offered == 0) {
            sending_is_lent_ = watches() || out_.sleeps();
            return true;
        }
        caller_streams_ = caller_streams_ || offered >= bytes_of_stream;
        std::size_t sent = 0;
        bool all = false;
        // A failure is for the loop to find, which knows what to do about it.
        if (direct->send(handle_, pieces_, sent, all))
            sent = 0;
        const std::uint64_t messages = out_.taken(sent);
        messages_sent_ += messages;
        lanes_->toward[0].show_bytes();
        (void)lanes_->toward[0].consume(messages, false);
        sending_is_lent_ = sent > 0 && all;
    }
    sending_is_lent_ = false;
    lock.unlock();
    lane_readable();
    return true;
}

/// Small messages alone: everything else is for the loop. One receive at most brings something.
/// True: something was put into the lane, and the caller will come again.
bool session::receive_now(lane::chunk_pools& pools) noexcept
{
    const auto* const direct = on_->core->io().direct();
    const std::unique_lock lock(lent_, std::try_to_lock);
    if (direct == nullptr || !lock || !receiving_is_lent_)
        return false;
    lanes_->toward[1].use(pools);
    bool received = false;
    bool enough = false;
    while (receiving_is_lent_ && !enough) {
        const std::uint64_t allowed = credit();
        const auto found = zmtp::scan_messages(in_.window(), settings_->protocol().limits, allowed);
        if (allowed == 0)
            enough = lanes_->toward[1].producer_sleeps(mark(), byte_mark());
        else if (take_messages(found))
            enough = received && found.messages > 0;
        else
            received = receiving_is_lent_ = receive_small(*direct);
    }
    // There may be room left: the caller is to come again when he has used up what he got.
    lanes_->toward[1].ask_for_bell();
    lanes_->toward[1].use(on_->pools);
    return receiving_is_lent_;
}

/// What the window lacks of a small frame, and as much more as there is room for.
bool session::receive_small(const io::poller::direct_transfers& direct) noexcept
{
    const auto seen = zmtp::read_header(in_.window(), settings_->protocol().limits);
    if (seen.failure || seen.frame.command || seen.frame.size >= settings_->protocol().large_body)
        return false;
    const std::size_t lacks =
        seen.need > 0
            ? seen.need
            : seen.frame.header + static_cast<std::size_t>(seen.frame.size) - in_.window().size();
    const std::span<std::byte> space = in_.space(lacks);
    std::size_t received = 0;
    if (space.empty())
        return false;
    const error failure = direct.receive(handle_, space, received);
    if (failure && failure != errc::would_block)
        caller_found_ = failure;
    if (received == 0)
        return false;
    in_.received(received);
    return true;
}

// --- by the loop ---

void session::lend_receiving() noexcept
{
    const std::lock_guard lock(lent_);
    // A publisher has to look into what it receives.
    receiving_is_lent_ = protocol_->state() == zmtp::session_state::ready &&
                         !zmtp::is_publisher(settings_->protocol().metadata.type);
}

void session::take_back_sending() noexcept
{
    const std::lock_guard lock(lent_);
    sending_is_lent_ = false;
}

/// Says why the caller could not go on, if that was the connection's end.
error session::take_back_receiving() noexcept
{
    const std::lock_guard lock(lent_);
    receiving_is_lent_ = false;
    return std::exchange(caller_found_, {});
}

bool session::release_descriptor() noexcept
{
    take_back_sending();
    (void)take_back_receiving();
    return true;
}

/// The loop will look after the lane again, unless the caller does not send by itself any more.
void session::watch() noexcept
{
    // Not if the caller is the loop's thread: nobody else would do the looking.
    const bool goes_on = std::exchange(caller_streams_, false) && !on_->by_caller;
    time_to_watch_ = !goes_on    ? duration::zero()
                     : watches() ? std::min(time_to_watch_ * 2, max_watch)
                                 : min_watch;
    watched_until_ = goes_on ? now() + time_to_watch_ : never;
}

/// True: the caller sends by itself, and there is nothing to do.
bool session::watch_on() noexcept
{
    const std::lock_guard lock(lent_);
    if (!sending_is_lent_ || !watches() || !caller_streams_)
        return false;
    watch();
    return true;
}

/// There is nothing to send. False: there is meanwhile.
bool session::rests() noexcept
{
    if (lanes_->conflates != nullptr) // nothing is lent
        return lanes_->conflates->toward[0].sleeps();
    const std::lock_guard lock(lent_);
    watch();
    sending_is_lent_ = watches() || out_.sleeps();
    return sending_is_lent_;
}

} // namespace slk::messaging
