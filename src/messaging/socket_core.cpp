// SPDX-License-Identifier: MPL-2.0

// How a socket comes to be, and how it takes notice of what has happened.

#include "messaging/socket_core.hpp"

#include "messaging/frame_reader.hpp"
#include "messaging/frame_writer.hpp"
#include "pattern/dealer.hpp"
#include "pattern/pair.hpp"
#include "pattern/pull.hpp"
#include "pattern/push.hpp"
#include "pattern/router.hpp"

#include <algorithm>
#include <new>

namespace slk::messaging {

namespace {

/// The others need every message: a ROUTER's and a PAIR's peers may be in a conversation.
bool may_conflate(zmtp::socket_type type) noexcept
{
    return type == zmtp::socket_type::push || type == zmtp::socket_type::pull ||
           type == zmtp::socket_type::dealer;
}

} // namespace

result<socket_core*> socket_core::create(const std::shared_ptr<context_core>& in,
                                         zmtp::socket_type type, const socket_options& options)
{
    SLK_TRY(options.validate());
    if (options.conflate && !may_conflate(type))
        return fail(errc::invalid_argument, phase::setup,
                    "conflate is not for this type of socket");
    SLK_TRY(in->check_affinity(options.affinity));
    auto made = reference<socket_core>::adopt(new (std::nothrow) socket_core(in, type, options));
    if (!made || made->pattern_ == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    // What is replaced needs no room.
    if (options.conflate) {
        made->options_.send_high_water_mark = made->options_.receive_high_water_mark = 0;
        made->options_.send_high_water_bytes = made->options_.receive_high_water_bytes = 0;
    }
    SLK_TRY(made->settings_, session_settings::create(type, made->options_));
    SLK_TRY(in->add(made->box_));
    made->retain();
    return made.get();
}

socket_core::socket_core(std::shared_ptr<context_core> in, zmtp::socket_type type,
                         const socket_options& options)
    : context_(std::move(in)), type_(type), options_(options),
      box_(reference<mailbox>::adopt(new mailbox))
{
    switch (type) {
    case zmtp::socket_type::pair: pattern_ = std::make_unique<pattern::pair>(); break;
    case zmtp::socket_type::push: pattern_ = std::make_unique<pattern::push>(); break;
    case zmtp::socket_type::pull: pattern_ = std::make_unique<pattern::pull>(); break;
    case zmtp::socket_type::dealer: pattern_ = std::make_unique<pattern::dealer>(); break;
    case zmtp::socket_type::router: {
        // A made-up id should not be that of an earlier ROUTER at the same address.
        const auto first = static_cast<std::uint32_t>(context_->next_random());
        auto made = std::make_unique<pattern::router>(first);
        router_ = made.get();
        pattern_ = std::move(made);
        break;
    }
    case zmtp::socket_type::pub:
    case zmtp::socket_type::sub:
    case zmtp::socket_type::req:
    case zmtp::socket_type::rep:
    case zmtp::socket_type::xpub:
    case zmtp::socket_type::xsub: break;
    }
}

result<void> socket_core::usable() const noexcept
{
    if (closed_)
        return fail(errc::invalid_state, phase::none, "the socket is closed");
    if (context_->stopped())
        return fail(errc::cancelled, phase::none, "the context was shut down");
    return {};
}

bool socket_core::has_route(std::string_view routing_id) const noexcept
{
    // One that connect() has named may not be there yet.
    return router_->find(routing_id) != nullptr ||
           std::ranges::any_of(pipes_, [&](const auto& each) {
               return each->named && !each->ended && each->routing_id == routing_id;
           });
}

void socket_core::set_handover(bool on) noexcept
{
    router_->handover = on;
}

// --- news ---

void socket_core::read_news()
{
    // The list has the latest first.
    ringer* oldest = nullptr;
    bool letters = false;
    for (ringer* each = box_->take_rung(); each != nullptr;) {
        ringer* const next = each->next;
        if (box_->is_letters(*each)) {
            letters = true;
        } else {
            each->next = oldest;
            oldest = each;
        }
        each = next;
    }
    // A pipe has rung after it was announced, so the letters come first.
    if (letters)
        for (mail& letter : box_->take_letters())
            read(letter);
    while (oldest != nullptr) {
        const auto who = reference<pipe>::adopt(static_cast<pipe*>(oldest));
        oldest = oldest->next;
        const std::uint32_t signals = who->take_signals();
        if (!who->attached)
            continue;
        if ((signals & pipe::bit_readable) != 0)
            pattern_->readable(*who, true);
        if ((signals & pipe::bit_writable) != 0)
            pattern_->writable(*who, true);
    }
    if (pattern_->receive_from() == nullptr && notices_.empty())
        box_->hide();
}

void socket_core::read(mail& letter)
{
    switch (letter.kind) {
    case mail_kind::arrived: return arrived(*letter.which, letter);
    case mail_kind::left: return left(*letter.which, letter);
    case mail_kind::refused:
        counters_.handshake_failures += letter.count;
        if (endpoint_entry* const at = find(letter.endpoint); at != nullptr) {
            at->handshake_failures += letter.count;
            at->last_handshake_failure = letter.reason;
        }
        return;
    }
}

void socket_core::arrived(pipe& who, mail& letter)
{
    endpoint_entry* const at = find(who.endpoint);
    if (at == nullptr) { // withdrawn meanwhile
        if (who.far)
            who.far->far_end_left({errc::cancelled, phase::close, 0, "the endpoint is withdrawn"});
        who.far.reset();
        return;
    }
    const bool first = !who.attached;
    who.connected = true;
    ++who.connections;
    who.far_mark = letter.far_mark;
    who.far_bytes = letter.far_bytes;
    if (who.lanes()->conflates != nullptr && !who.conflates) {
        who.newest_out().begin_behind(who.out().produced());
        who.conflates = true;
    }
    who.about = std::move(letter.about);
    // The name that connect() has given to a peer stays his.
    if (first && !who.named)
        who.routing_id = who.about.routing_id;
    if (who.place == SIZE_MAX)
        remember(who);
    if (first)
        show_receive_mark(who);
    if (first || options_.immediate)
        if (const auto admitted = admit(who); !admitted)
            return turn_away(who, admitted.error());
    if (first)
        greet(who);
    pattern_->readable(who, true);
    pattern_->writable(who, true);
    if (notify_connect)
        notices_.push_back({{who.routing_id, who.generation}, router_event::connected});
}

/// He takes part from now on, or again.
result<void> socket_core::admit(pipe& who)
{
    SLK_TRY(who.attached ? pattern_->resume_sending(who) : pattern_->attach(who));
    who.attached = true;
    if (router_ != nullptr && router_->leaving() != nullptr)
        drop(static_cast<pipe&>(*router_->leaving()),
             {errc::cancelled, phase::none, 0, "another peer has taken over the routing id"});
    return {};
}

/// The mark may have changed since the endpoint was bound.
void socket_core::show_receive_mark(pipe& who) noexcept
{
    const std::uint32_t mark = options_.receive_high_water_mark;
    const std::uint64_t bytes = options_.receive_high_water_bytes;
    who.until_look = 1;
    // Whoever sends by inproc does not learn of a change.
    who.shows_bytes = bytes != 0 || (who.shows_bytes && who.is_inproc);
    if (who.shows_bytes)
        who.in().show_bytes();
    lane_pair& shown = *who.lanes();
    const bool messages_changed =
        shown.receive_mark.exchange(mark, std::memory_order_seq_cst) != mark;
    const bool bytes_changed =
        shown.receive_bytes.exchange(bytes, std::memory_order_seq_cst) != bytes;
    if ((messages_changed || bytes_changed) && who.far)
        who.far->lane_writable();
}

void socket_core::greet(pipe& who)
{
    if (!probe)
        return;
    const part_view nothing{};
    if (who.conflates)
        (void)replace(who, {&nothing, 1});
    else if (write(who, {&nothing, 1}))
        publish(who, 1);
}

void socket_core::turn_away(pipe& who, const error& reason)
{
    ++counters_.rejected;
    disconnect(who, reason);
}

/// A link comes again. A peer that has come by bind() is gone with his connection: when that has
/// ended, it is known what of his was sent.
void socket_core::disconnect(pipe& who, const error& reason)
{
    const reference<far_end> far = who.far;
    who.connected = false;
    who.last_reason = reason;
    if (who.is_inproc)
        end_of(who);
    if (far)
        who.accepted ? far->far_end_left(reason) : far->far_end_disconnects(reason);
}

void socket_core::left(pipe& who, const mail& letter)
{
    who.connected = false;
    who.last_reason = letter.reason;
    if (letter.for_good)
        return who.place != SIZE_MAX ? retire(who) : void();
    if (!who.attached)
        return;
    if (options_.immediate)
        pattern_->stop_sending(who);
    if (notify_disconnect)
        notices_.push_back({{who.routing_id, who.generation}, router_event::disconnected});
}

/// Nothing more is sent to him. What has arrived of him is received yet; his end is noticed behind
/// it.
void socket_core::retire(pipe& who)
{
    who.ended = true;
    const bool is_received = who.receive_place != SIZE_MAX;
    const auto has_something = [&] {
        return who.in().readable() || (who.conflates && who.newest_in().is_there());
    };
    if (!who.attached || !is_received || !has_something())
        return end_of(who);
    pattern_->stop_sending(who);
    pattern_->readable(who, true);
}

void socket_core::look_around()
{
    context_->settle();
    if (io::loop_core* const loop = context_->to_run(); loop != nullptr && !box_->has_news())
        (void)loop->run(nullptr, duration::zero());
    take_news();
}

/// He takes no part any more.
void socket_core::detach(pipe& who)
{
    if (receiving_ == &who)
        receiving_ = nullptr;
    if (!std::exchange(who.attached, false))
        return;
    pattern_->detach(who);
    if (notify_disconnect && who.connections > 0)
        notices_.push_back({{who.routing_id, who.generation}, router_event::disconnected});
}

/// Nothing more comes of it, and what has come was received or is thrown away.
void socket_core::end_of(pipe& who)
{
    const auto kept = reference<pipe>::to(who);
    detach(who);
    throw_away(who);
    const newest_message::counts sent = who.sent();
    counters_.queued_total += sent.put;
    counters_.received += who.in().consumed() - who.discarded;
    counters_.discarded += who.discarded;
    counters_.unsent += sent.put - sent.replaced - taken_of(who, sent);
    counters_.conflated_sent += sent.replaced;
    counters_.conflated_received += conflated_of(who);
    who.ended = true;
    std::swap(pipes_[who.place], pipes_.back());
    pipes_[who.place]->place = who.place;
    pipes_.pop_back();
    who.place = SIZE_MAX;
    if (endpoint_entry* const at = find(who.endpoint); at != nullptr && at->leads.get() == &who)
        at->leads.reset();
    kept->far.reset();
}

/// Messages that were sent to him and are not this socket's to lose any more.
std::uint64_t socket_core::taken_of(const pipe& who, const newest_message::counts& sent) noexcept
{
    // What is in a lane of inproc stays there for the other side to take.
    return who.is_inproc && who.connected ? sent.put - sent.replaced : sent.taken;
}

/// Messages of his that newer ones have replaced before they were received.
std::uint64_t socket_core::conflated_of(pipe& who) noexcept
{
    // With inproc it is he who counts them.
    return who.conflates && !who.is_inproc ? who.newest_in().count(who.in()).replaced : 0;
}

/// What has come of him is not received.
void socket_core::throw_away(pipe& who)
{
    std::uint64_t messages = 0;
    do
        for (message part; read_part(who.in(), part); part.clear())
            messages += part.more() ? 0 : 1;
    while (who.conflates && who.newest_in().move_to(who.in(), pools_));
    who.discarded += messages;
    who.in().show_bytes();
    if (who.in().consume(messages, true) && who.far)
        who.far->lane_writable();
}

/// Its peer is disconnected, and what has come of him is thrown away.
void socket_core::drop(pipe& who, const error& reason)
{
    const auto kept = reference<pipe>::to(who);
    detach(who);
    throw_away(who);
    disconnect(who, reason);
}

void socket_core::remember(pipe& made)
{
    // Whoever made the lane may have been another thread, with pools of its own.
    if (!made.conflates)
        made.out().use(pools_);
    made.place = pipes_.size();
    pipes_.push_back(reference<pipe>::to(made));
}

socket_core::endpoint_entry* socket_core::find(std::uint64_t number) noexcept
{
    const auto found =
        std::ranges::find_if(endpoints_, [&](const auto& each) { return each->number == number; });
    return found != endpoints_.end() ? found->get() : nullptr;
}

} // namespace slk::messaging
