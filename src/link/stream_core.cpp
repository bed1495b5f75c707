// SPDX-License-Identifier: MPL-2.0
#include "link/stream_core.hpp"

#include "base/call_user.hpp"
#include "base/try_allocate.hpp"
#include "link/services.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace slk::link_detail {

namespace {

constexpr error finished_by_peer{errc::end_of_stream, phase::transfer};
constexpr error drain_took_too_long{errc::timed_out, phase::close, 0, "close_after_drain"};

/// The buffer of drained bytes, shared by all streams of a thread; its contents are not used.
std::span<std::byte> drain_buffer()
{
    static thread_local std::array<std::byte, 16 * 1024> buffer;
    return buffer;
}

/// Pieces offered to the system at once; the rest follows when these are sent.
constexpr std::size_t max_pieces = 64;

} // namespace

stream_core* stream_core::create(std::shared_ptr<io::loop_core> loop, io::socket_id socket,
                                 const address& local, const address& peer,
                                 stream_observer* observer)
{
    static_assert(alignof(stream_core) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    services* const shared = services::make(*loop);
    if (shared == nullptr)
        return nullptr;
    const std::shared_ptr<block_pool>& home = shared->streams;
    void* const memory = home->take();
    if (memory == nullptr)
        return nullptr;
    return new (memory) stream_core(home, std::move(loop), socket, local, peer, observer);
}

void stream_core::dispose() noexcept
{
    const std::shared_ptr<block_pool> home = std::move(home_);
    this->~stream_core();
    home->give_back(this);
}

stream_core::stream_core(std::shared_ptr<block_pool> home, std::shared_ptr<io::loop_core> loop,
                         io::socket_id socket, const address& local, const address& peer,
                         stream_observer* observer)
    : home_(std::move(home)), loop_(std::move(loop)), socket_(socket), local_(local), peer_(peer),
      observer_(observer)
{
    receive_.owner = this;
    receive_.on_complete = [](io::operation& self) noexcept {
        static_cast<stream_core*>(self.owner)->receive_completed();
    };
    send_.owner = this;
    send_.on_complete = [](io::operation& self) noexcept {
        static_cast<stream_core*>(self.owner)->send_completed();
    };
    drain_timer_.owner = this;
    drain_timer_.on_expiry = [](io::timer& self) noexcept {
        static_cast<stream_core*>(self.owner)->drain_ended(drain_took_too_long);
    };
    close_task_.owner = this;
    close_task_.run = [](io::task& self) noexcept {
        auto* const stream = static_cast<stream_core*>(self.owner);
        stream->handle_gone_ = true;
        stream->end(stream->abandoned_because_, stream->abandoned_with_);
        stream->release();
    };
    close_task_.drop = [](io::task& self) noexcept {
        static_cast<stream_core*>(self.owner)->release();
    };
    // The loop's own reference, given back by close_socket().
    retain();
    loop_->add(*this);
}

result<void> stream_core::usable() const noexcept
{
    if (loop_->forked())
        return fail(loop_->why_closed());
    if (!loop_->may_touch())
        return fail(errc::invalid_state, phase::transfer, "not on the loop's thread");
    if (!socket_)
        return fail(errc::invalid_state, phase::transfer, "the stream is closed");
    return {};
}

std::intptr_t stream_core::native_handle() const noexcept
{
    return socket_ && !loop_->forked() ? loop_->io().handle_of(socket_) : io::invalid_handle;
}

/// Calls a handler. When the loop ends, what a handler of the user uses may be gone with the handle
/// of its stream.
template <class Handler, class Outcome>
void stream_core::report(const char* name, const Handler& done, const Outcome& outcome) noexcept
{
    if (!done)
        return;
    if (of_library_)
        return done(outcome);
    if (!(handle_gone_ && loop_->closing()))
        call_user(name, [&] { done(outcome); });
}

// --- receiving ---

result<void> stream_core::receive(std::span<std::byte> buffer, stream::handler done)
{
    SLK_TRY(usable());
    if (receive_.in_flight() || draining_)
        return fail(errc::in_progress, phase::transfer, "a receive is under way");
    on_received_ = std::move(done);
    retain();
    loop_->io().receive(receive_, socket_, buffer);
    return {};
}

void stream_core::receive_completed() noexcept
{
    const bool wanted_bytes = !receive_.buffer.empty();
    if (!receive_.failure && wanted_bytes) {
        const bool first = received_ == 0 && receive_.transferred > 0;
        received_ += receive_.transferred;
        finished_receiving_ = finished_receiving_ || receive_.transferred == 0;
        if (first && observer_ != nullptr)
            observer_->stream_received();
    }
    const error failure = receive_.failure;
    const std::size_t count = receive_.transferred;
    const stream::handler done = std::exchange(on_received_, {});
    const bool draining = draining_;
    if (failure && !draining)
        end(failure, io::close_mode::graceful);
    report("the handler of stream::receive()", done,
           failure ? result<std::size_t>(fail(failure)) : result<std::size_t>(count));
    if (draining && (failure || finished_receiving_))
        drain_ended(failure);
    else if (draining)
        drain_more();
    release();
}

// --- sending ---

result<void> stream_core::send(std::span<const std::byte> bytes, stream::handler done)
{
    SLK_TRY(usable());
    if (send_.in_flight())
        return fail(errc::in_progress, phase::transfer, "a send is under way");
    single_ = bytes;
    return send(std::span(&single_, 1), std::move(done));
}

result<void> stream_core::send(std::span<const std::span<const std::byte>> pieces,
                               stream::handler done)
{
    SLK_TRY(usable());
    if (send_.in_flight())
        return fail(errc::in_progress, phase::transfer, "a send is under way");
    if (finished_sending_)
        return fail(errc::broken_pipe, phase::transfer, "sending was finished");
    std::size_t total = 0;
    for (const auto& piece : pieces)
        total += piece.size();
    if (total == 0)
        return fail(errc::invalid_argument, phase::transfer, "there is nothing to send");
    pieces_ = pieces;
    next_piece_ = 0;
    offset_ = 0;
    total_ = total;
    on_sent_ = std::move(done);
    retain();
    submit_send();
    return {};
}

void stream_core::submit_send() noexcept
{
    const std::size_t left = std::min(pieces_.size() - next_piece_, max_pieces);
    auto offered = pieces_.subspan(next_piece_, left);
    if (offset_ > 0) {
        // The first piece was sent in part: the offer differs from the user's list.
        rest_of_piece_ = offered.front().subspan(offset_);
        if (try_resize(rest_, offered.size())) {
            std::ranges::copy(offered, rest_.begin());
            rest_.front() = rest_of_piece_;
            offered = rest_;
        } else {
            offered = {&rest_of_piece_, 1};
        }
    }
    loop_->io().send(send_, socket_, offered);
}

void stream_core::send_completed() noexcept
{
    if (send_.failure) {
        sent_ += send_.perhaps_transferred;
        finish_send(fail(send_.failure));
        return;
    }
    sent_ += send_.transferred;
    offset_ += send_.transferred;
    while (next_piece_ < pieces_.size() && offset_ >= pieces_[next_piece_].size())
        offset_ -= pieces_[next_piece_++].size();
    if (next_piece_ == pieces_.size())
        finish_send(total_);
    else if (socket_)
        submit_send();
    else
        finish_send(fail(closed_here)); // over since this part was sent
}

void stream_core::finish_send(result<std::size_t> outcome) noexcept
{
    const stream::handler done = std::exchange(on_sent_, {});
    rest_.clear();
    // A peer that has finished sending and now refuses bytes ends the stream; a peer that only
    // finished sending does not (RFC 9293 section 3.6, half-closed connections).
    if (!outcome)
        end(outcome.error(), io::close_mode::graceful);
    const bool finish = outcome && draining_ && socket_ && !finished_sending_;
    report("the handler of stream::send()", done, outcome);
    if (finish)
        if (const auto finished = shutdown_send(); !finished)
            drain_ended(finished.error());
    release();
}

// --- ending ---

result<void> stream_core::shutdown_send()
{
    SLK_TRY(usable());
    if (send_.in_flight())
        return fail(errc::in_progress, phase::close, "a send is under way");
    SLK_TRY(loop_->io().shutdown_send(socket_));
    finished_sending_ = true;
    return {};
}

result<void> stream_core::close_after_drain(duration timeout, std::function<void(error)> done)
{
    SLK_TRY(usable());
    if (draining_)
        return fail(errc::in_progress, phase::close, "the stream is draining already");
    if (!finished_sending_ && !send_.in_flight())
        SLK_TRY(shutdown_send());
    draining_ = true;
    on_drained_ = std::move(done);
    loop_->io().arm(drain_timer_, after(loop_->io().now(), timeout));
    // A receive that is under way keeps its buffer and its handler; draining follows it.
    if (!receive_.in_flight())
        drain_more();
    return {};
}

void stream_core::drain_more() noexcept
{
    // The stream was closed while a receive that had succeeded was not delivered yet.
    if (!socket_)
        return drain_ended(closed_here);
    retain();
    loop_->io().receive(receive_, socket_, drain_buffer());
}

void stream_core::drain_ended(error reason) noexcept
{
    const auto done = std::exchange(on_drained_, {});
    retain();
    // A peer that finishes before this side has says nothing about what was sent to it.
    if (!reason && !finished_sending_)
        reason = finished_by_peer;
    end(reason ? reason : finished_by_peer, io::close_mode::graceful);
    report("the handler of stream::close_after_drain()", done, reason);
    release();
}

void stream_core::end(const error& reason, io::close_mode mode) noexcept
{
    if (!socket_)
        return;
    loop_->io().disarm(drain_timer_);
    retain();
    const io::socket_id socket = std::exchange(socket_, {});
    if (descriptor_user_ != nullptr && !descriptor_user_->release_descriptor()) {
        // Closed now, its number could be given to another socket under a transfer.
        lent_socket_ = socket;
        lent_socket_mode_ = mode;
        loop_->io().cancel(receive_);
        loop_->io().cancel(send_);
    } else {
        close_socket(socket, mode);
    }
    if (stream_observer* const observer = std::exchange(observer_, nullptr); observer != nullptr) {
        const bool by_owner = reason == errc::cancelled;
        observer->stream_ended(by_owner && finished_receiving_ ? finished_by_peer : reason);
    }
    release();
}

void stream_core::close_socket(io::socket_id socket, io::close_mode mode) noexcept
{
    descriptor_user_ = nullptr;
    loop_->io().close(socket, mode);
    loop_->remove(*this);
    release(); // the loop's own reference
}

void stream_core::descriptor_returned() noexcept
{
    if (lent_socket_)
        close_socket(std::exchange(lent_socket_, {}), lent_socket_mode_);
}

void stream_core::retract() noexcept
{
    observer_ = nullptr;
    end(closed_here, io::close_mode::graceful);
}

void stream_core::abandon(io::close_mode mode, const error& reason) noexcept
{
    if (loop_->forked()) {
        loop_->leave_to_parent();
    } else if (loop_->closed()) {
        // Everything was ended when the loop closed.
    } else if (loop_->may_touch()) {
        handle_gone_ = true;
        end(reason, mode);
    } else {
        abandoned_with_ = mode;
        abandoned_because_ = reason;
        retain();
        if (!loop_->post(close_task_))
            release();
    }
    release();
}

void stream_core::loop_closing() noexcept
{
    retain();
    end(error{errc::cancelled, phase::close, 0, "the loop ends"}, io::close_mode::graceful);
    if (lent_socket_) {
        descriptor_user_->wait_for_descriptor();
        descriptor_returned();
    }
    release();
}

} // namespace slk::link_detail

// --- the handle ---

namespace slk {

namespace {

unexpected empty_stream()
{
    return fail(errc::invalid_state, phase::transfer, "the stream is empty");
}

} // namespace

stream::stream(stream&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}

stream& stream::operator=(stream&& other) noexcept
{
    if (this != &other) {
        if (core_ != nullptr)
            core_->abandon(io::close_mode::graceful);
        core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
}

stream::~stream()
{
    if (core_ != nullptr)
        core_->abandon(io::close_mode::graceful);
}

result<void> stream::receive(std::span<std::byte> buffer, handler done)
{
    return core_ != nullptr ? core_->receive(buffer, std::move(done)) : empty_stream();
}

result<void> stream::send(std::span<const std::byte> bytes, handler done)
{
    return core_ != nullptr ? core_->send(bytes, std::move(done)) : empty_stream();
}

result<void> stream::send(std::span<const std::span<const std::byte>> pieces, handler done)
{
    return core_ != nullptr ? core_->send(pieces, std::move(done)) : empty_stream();
}

result<void> stream::shutdown_send()
{
    return core_ != nullptr ? core_->shutdown_send() : empty_stream();
}

void stream::close()
{
    if (core_ != nullptr)
        std::exchange(core_, nullptr)->abandon(io::close_mode::graceful);
}

void stream::close(const error& reason)
{
    if (core_ != nullptr)
        std::exchange(core_, nullptr)->abandon(io::close_mode::graceful, reason);
}

void stream::reset()
{
    if (core_ != nullptr)
        std::exchange(core_, nullptr)->abandon(io::close_mode::reset);
}

result<void> stream::close_after_drain(duration timeout, std::function<void(error)> done)
{
    return core_ != nullptr ? core_->close_after_drain(timeout, std::move(done)) : empty_stream();
}

address stream::local_address() const noexcept
{
    return core_ != nullptr ? core_->local() : address{};
}

address stream::peer_address() const noexcept
{
    return core_ != nullptr ? core_->peer() : address{};
}

std::uint64_t stream::bytes_received() const noexcept
{
    return core_ != nullptr ? core_->received() : 0;
}

std::uint64_t stream::bytes_sent() const noexcept
{
    return core_ != nullptr ? core_->sent() : 0;
}

std::intptr_t stream::native_handle() const noexcept
{
    return core_ != nullptr ? core_->native_handle() : io::invalid_handle;
}

} // namespace slk
