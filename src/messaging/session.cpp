// SPDX-License-Identifier: MPL-2.0
#include "messaging/session.hpp"

#include "messaging/frame_reader.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace slk::messaging {

namespace {

constexpr error closed_here{errc::cancelled, phase::close, 0, "closed by its owner"};
constexpr error no_memory{errc::out_of_memory, phase::transfer, 0, "no memory for what arrives"};

} // namespace

reference<session> session::create(std::shared_ptr<carrier> on,
                                   std::shared_ptr<const session_settings> settings,
                                   reference<mailbox> owner, lane::chunk_pools& pools)
{
    auto* const pair = new (std::nothrow) lane_pair;
    if (pair == nullptr)
        return {};
    auto lanes = reference<lane_pair>::adopt(pair);
    if (!lanes->toward[0].open(pools) || !lanes->toward[1].open(pools))
        return {};
    lanes->toward[1].use(on->pools);
    if (settings->options().conflate) {
        lanes->conflates.reset(new (std::nothrow) conflation);
        if (lanes->conflates == nullptr || !lanes->conflates->received.open(pools))
            return {};
        lanes->conflates->received.use(on->pools);
    }
    return reference<session>::adopt(new (std::nothrow) session(
        std::move(on), std::move(settings), std::move(owner), std::move(lanes)));
}

session::session(std::shared_ptr<carrier> on, std::shared_ptr<const session_settings> settings,
                 reference<mailbox> owner, reference<lane_pair> lanes) noexcept
    : on_(std::move(on)), settings_(std::move(settings)), owner_(std::move(owner)),
      lanes_(std::move(lanes)), out_(lanes_->toward[0]),
      in_(lanes_->conflates != nullptr ? lanes_->conflates->received : lanes_->toward[1])
{
    lanes_->receive_mark.store(settings_->options().receive_high_water_mark,
                               std::memory_order_relaxed);
    lanes_->receive_bytes.store(settings_->options().receive_high_water_bytes,
                                std::memory_order_relaxed);
    timer_.owner = this;
    timer_.on_expiry = [](io::timer& self) noexcept {
        auto& mine = *static_cast<session*>(self.owner);
        const auto kept = reference<session>::to(mine);
        // We do not listen: the peer's silence is our own doing.
        if (mine.paused_)
            mine.protocol_->excuse(mine.now());
        mine.protocol_->tick(mine.now());
        // At once: what is being sent to a dead peer would never come back.
        if (mine.protocol_->state() == zmtp::session_state::failed)
            return mine.lose(mine.protocol_->failure());
        if (mine.protocol_->pending() > 0 || !mine.watch_on())
            mine.send_more();
        mine.arm();
    };
    task_.owner = this;
    task_.run = [](io::task& self) noexcept {
        auto& mine = *static_cast<session*>(self.owner);
        mine.answer(mine.asked_.exchange(0, std::memory_order_seq_cst));
        mine.release();
    };
    task_.drop = [](io::task& self) noexcept { static_cast<session*>(self.owner)->release(); };
}

// --- asked by the pipe ---

void session::ask(std::uint32_t what) noexcept
{
    // Whoever runs the loop himself need not wait for its next turn.
    if (on_->by_caller && on_->core->may_touch() && !on_->core->closed()) {
        const auto kept = reference<session>::to(*this);
        return answer(what);
    }
    if (asked_.fetch_or(what, std::memory_order_seq_cst) != 0)
        return;
    retain(); // the task's
    if (!on_->core->post(task_))
        release();
}

void session::far_end_left(const error& reason) noexcept
{
    ask_because(asked_end, reason);
}

void session::far_end_disconnects(const error& reason) noexcept
{
    ask_because(asked_disconnect, reason);
}

void session::ask_because(std::uint32_t what, const error& reason) noexcept
{
    {
        const std::lock_guard lock(lent_);
        far_reason_ = reason;
    }
    ask(what);
}

error session::far_reason() noexcept
{
    const std::lock_guard lock(lent_);
    return far_reason_;
}

void session::answer(std::uint32_t asked) noexcept
{
    if ((asked & asked_end) != 0)
        return end(far_reason());
    if ((asked & asked_disconnect) != 0)
        return lose(far_reason());
    if ((asked & asked_receive) != 0) {
        if (const error found = take_back_receiving(); found)
            return lose(found);
        if (std::exchange(paused_, false))
            understand();
    }
    if ((asked & asked_send) != 0) {
        send_more();
        arm();
    }
}

// --- a connection's life ---

void session::begin(stream connection)
{
    if (closed_)
        return;
    pending_ = std::move(connection);
    if (!open_)
        begin_pending();
}

void session::begin_pending() noexcept
{
    if (!pending_ || sending_ || receiving_)
        return;
    stream_ = std::move(pending_);
    handle_ = stream_.native_handle();
    wire_ = reference<link_detail::stream_core>::to(*stream_.core());
    wire_->lend_descriptor(this);
    open_ = true;
    paused_ = false;
    need_ = 0;
    messages_sent_ = 0;
    if (lanes_->conflates != nullptr)
        lanes_->conflates->toward[0].drop_older(lanes_->toward[0]);
    out_.rewind();
    protocol_.emplace(settings_->protocol());
    protocol_->start(now());
    if (!linked())
        on_->core->add(*this);
    watched_until_ = never;
    retain(); // the connection's, given back by settle()
    send_more();
    receive_more();
    arm();
}

void session::arm() noexcept
{
    if (open_)
        on_->core->io().arm(timer_, std::min(protocol_->due(), watched_until_));
}

/// The connection is over. Once for each.
void session::lose(const error& reason) noexcept
{
    if (!std::exchange(open_, false))
        return;
    on_->core->io().disarm(timer_);
    (void)release_descriptor();
    const bool was_ready = ready_.exchange(false, std::memory_order_acq_rel);
    stream_.close(reason);
    closed_ = closed_ || accepted_;
    if (was_ready)
        lost_because_ = reason;
    else
        owner_->post({.kind = mail_kind::refused, .reason = reason, .endpoint = endpoint_});
    if (observer_ != nullptr)
        observer_->session_lost(reason);
    settle();
}

/// When everything that was under way has come back, the next connection may begin.
void session::settle() noexcept
{
    if (open_ || sending_ || receiving_ || !protocol_)
        return;
    protocol_.reset();
    wire_->lend_descriptor(nullptr);
    wire_.reset();
    in_.reset(); // not before the last receive into it has come back
    // Now it is known how much of what was being sent the system has taken.
    if (const auto reason = std::exchange(lost_because_, {}); reason)
        owner_->post(
            {.kind = mail_kind::left, .which = near_, .reason = *reason, .for_good = closed_});
    if (linked())
        on_->core->remove(*this);
    if (closed_)
        near_.reset();
    if (const auto told = std::exchange(closed_handler_, {}); told)
        told();
    if (!closed_)
        begin_pending();
    release(); // the connection's
}

void session::end(const error& reason) noexcept
{
    closed_ = true;
    pending_ = {};
    if (open_)
        lose(reason);
    else if (!protocol_)
        near_.reset();
}

void session::close(duration timeout, std::function<void()> done)
{
    closed_ = true;
    observer_ = nullptr;
    pending_ = {};
    (void)release_descriptor();
    if (!open_ && !protocol_) {
        near_.reset();
        return done();
    }
    closed_handler_ = std::move(done);
    if (!open_)
        return;
    // A peer that was sent something may still be reading; were there bytes that nobody here has
    // read, the system would tear the connection down under it.
    if (ready() && messages_sent_ > 0 && !sending_ && timeout > duration::zero()) {
        auto mine = reference<session>::to(*this);
        const auto draining =
            stream_.close_after_drain(timeout, [mine](error) noexcept { mine->lose(closed_here); });
        if (draining)
            return;
    }
    lose(closed_here);
}

void session::loop_closing() noexcept
{
    closed_ = true;
    lose({errc::cancelled, phase::close, 0, "the loop ends"});
}

// --- sending ---

void session::send_more() noexcept
{
    if (!open_)
        return;
    // Only a handshake has last words. A peer that does not take what is being sent is not waited
    // for.
    if (ready() && protocol_->state() == zmtp::session_state::failed)
        return lose(protocol_->failure());
    if (sending_)
        return;
    take_back_sending();
    watched_until_ = never;
    for (;;) {
        pieces_.clear();
        offered_control_ = protocol_->pending();
        if (offered_control_ > 0 && !out_.inside_frame()) {
            control_.resize(offered_control_);
            offered_control_ = protocol_->transmit(control_);
            pieces_.emplace_back(control_.data(), offered_control_);
        } else {
            offered_control_ = 0;
        }
        if (ready() && protocol_->state() == zmtp::session_state::ready) {
            if (lanes_->conflates != nullptr) [[unlikely]]
                take_newest(*lanes_->conflates);
            out_.gather(pieces_);
        }
        if (!pieces_.empty())
            break;
        if (protocol_->state() == zmtp::session_state::failed)
            return lose(protocol_->failure());
        if (!ready())
            return;
        if (rests())
            return;
    }
    sending_ = true;
    sent_before_ = wire_->sent();
    retain();
    const auto begun = stream_.send(pieces_, [this](const result<std::size_t>& answer) {
        sent(answer);
        release();
    });
    if (!begun) {
        sending_ = false;
        lose(begun.error());
        release();
    }
}

void session::sent(const result<std::size_t>& answer) noexcept
{
    sending_ = false;
    // What a connection that broke has taken is not sent again, as far as it is known.
    const std::uint64_t taken = answer ? *answer : wire_->sent() - sent_before_;
    if (taken > offered_control_) {
        const std::uint64_t messages =
            out_.taken(static_cast<std::size_t>(taken) - offered_control_);
        messages_sent_ += messages;
        lanes_->toward[0].show_bytes();
        if (messages > 0 && lanes_->toward[0].consume(messages, true) && near_)
            near_->lane_writable();
    }
    // A handshake is the longest that is ever said; an idle peer should not cost its memory.
    if (offered_control_ > 0)
        control_ = {};
    if (!answer)
        lose(answer.error());
    if (!open_)
        return settle();
    send_more();
    arm();
}

// --- receiving ---

void session::receive_more() noexcept
{
    if (receiving_ || paused_ || !open_)
        return;
    const std::span<std::byte> space = in_.space(need_);
    if (space.empty())
        return lose(no_memory);
    receiving_ = true;
    retain();
    const auto begun = stream_.receive(space, [this](const result<std::size_t>& answer) {
        received(answer);
        release();
    });
    if (!begun) {
        receiving_ = false;
        lose(begun.error());
        release();
    }
}

void session::received(const result<std::size_t>& answer) noexcept
{
    receiving_ = false;
    if (!answer)
        lose(answer.error());
    if (!open_)
        return settle();
    if (*answer == 0) {
        protocol_->ended(now());
        return lose(protocol_->failure());
    }
    in_.received(*answer);
    understand();
}

/// Goes over what was received, and on to receiving more.
void session::understand() noexcept
{
    bool more = open_;
    if (open_ && in_.receives_body()) {
        protocol_->body_received(now(), in_.body_progress());
        more = protocol_->body_left() > 0 ? false : take_body({});
    }
    while (more && open_) {
        const std::uint64_t allowed = credit();
        if (allowed == 0 && ready()) {
            paused_ = lanes_->toward[1].producer_sleeps(mark(), byte_mark());
            if (paused_)
                lend_receiving();
            more = !paused_;
            continue;
        }
        more = take(protocol_->receive(now(), in_.window(), allowed));
    }
    if (!open_)
        return;
    if (protocol_->pending() > 0 || protocol_->state() == zmtp::session_state::failed)
        send_more();
    receive_more();
    arm();
}

/// Messages that may be put into the lane.
std::uint64_t session::credit() noexcept
{
    const std::uint64_t messages = lanes_->toward[1].credit(mark());
    const std::uint64_t bytes = lanes_->toward[1].byte_credit(byte_mark());
    // All that was received fits, or else one at a time, until one has used up what was left.
    return bytes >= in_.window().size() ? messages
                                        : std::min<std::uint64_t>(messages, bytes > 0 ? 1 : 0);
}

/// True: there may be more in the window.
bool session::take(const zmtp::arrival& told) noexcept
{
    switch (told.kind) {
    case zmtp::arrival_kind::need:
        if (told.consumed > 0)
            in_.drop(told.consumed);
        need_ = told.need;
        return false;
    case zmtp::arrival_kind::messages:
        // Commands that came before are in the window too.
        if (const std::size_t before = told.consumed - told.data.size(); before > 0)
            in_.drop(before);
        return take_messages(told.found);
    case zmtp::arrival_kind::body: return take_body(told);
    case zmtp::arrival_kind::subscription: in_.drop(told.consumed); return true;
    case zmtp::arrival_kind::authenticate:
        decide(told.client);
        in_.drop(told.consumed);
        return true;
    case zmtp::arrival_kind::ready: become_ready(told); return open_;
    case zmtp::arrival_kind::flush:
        in_.drop(told.consumed);
        send_more();
        // A peer that does not take our answers gets one when it does. It is read meanwhile: what
        // it says is its sign of life.
        if (open_)
            protocol_->skip_pong();
        return open_;
    case zmtp::arrival_kind::failed: return false;
    }
    return false;
}

/// At the beginning of the window. Of a message of parts nothing is shown before all of it is
/// there.
bool session::take_messages(const zmtp::scanned& found) noexcept
{
    in_.keep(found.whole_messages);
    if (found.messages > 0)
        publish(found.messages);
    in_.keep(found.size - found.whole_messages);
    return found.size > 0;
}

bool session::take_body(const zmtp::arrival& told) noexcept
{
    if (told.kind == zmtp::arrival_kind::body) {
        const std::size_t consumed = told.consumed;
        const std::size_t header = told.frame.header;
        if (const std::size_t before = consumed - header - told.data.size(); before > 0)
            in_.drop(before);
        if (!in_.begin_body(header, told.frame.size)) {
            lose(no_memory);
            return false;
        }
        body_more_ = told.frame.more;
    }
    if (!in_.end_body())
        return false;
    if (!body_more_)
        publish(1);
    return true;
}

void session::publish(std::uint64_t messages) noexcept
{
    if (lanes_->conflates != nullptr) [[unlikely]]
        return keep_newest(*lanes_->conflates, messages);
    if (lanes_->toward[1].publish(messages) && near_)
        near_->lane_readable();
}

/// Of so many messages that have just been received.
void session::keep_newest(conflation& kept, std::uint64_t messages) noexcept
{
    (void)kept.received.publish(messages);
    std::vector<message> whole;
    std::uint64_t passed = 0;
    for (message part; read_part(kept.received, part);) {
        const bool last = !part.more();
        whole.push_back(std::move(part));
        if (last && ++passed < messages)
            whole.clear();
    }
    (void)kept.received.consume(messages, false);
    if (kept.toward[1].put(std::move(whole), messages) && near_)
        near_->lane_readable();
}

/// The next one comes when the last one has been sent.
void session::take_newest(conflation& kept) noexcept
{
    lane::lane& out = lanes_->toward[0];
    if (out.produced() == out.consumed())
        (void)kept.toward[0].move_to(out, on_->pools);
}

void session::decide(const zmtp::credentials& who) noexcept
{
    const int status = settings_->authenticate(who, stream_.peer_address());
    if (status != 200)
        return protocol_->refuse(now(), status);
    user_ = who.user;
    protocol_->accept(now());
}

void session::become_ready(const zmtp::arrival& told) noexcept
{
    peer_info about;
    about.type = told.peer.type;
    about.speaks = protocol_->speaks();
    about.routing_id = zmtp::text_of(told.peer.identity);
    about.user = user_;
    zmtp::metadata_reader properties(told.peer.properties);
    // The others are told by fields of their own.
    for (auto next = properties.next(); next && *next; next = properties.next())
        if ((*next)->name.starts_with("X-"))
            about.properties.push_back({std::string((*next)->name), std::string((*next)->value)});
    about.local = stream_.local_address();
    about.peer = stream_.peer_address();
    in_.drop(told.consumed);

    if (!near_) {
        auto* const made = new (std::nothrow) pipe(lanes_, 0);
        if (made == nullptr)
            return lose(no_memory);
        near_ = reference<pipe>::adopt(made);
        near_->far = reference<far_end>::to(*this);
        near_->accepted = accepted_;
        near_->endpoint = endpoint_;
        near_->belong_to(owner_);
    }
    ready_.store(true, std::memory_order_release);
    owner_->post(
        {.kind = mail_kind::arrived, .which = near_, .about = std::move(about), .reason = {}});
    if (observer_ != nullptr)
        observer_->session_ready();
    send_more();
}

} // namespace slk::messaging
