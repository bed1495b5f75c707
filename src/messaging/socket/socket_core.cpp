// SPDX-License-Identifier: MPL-2.0

// How a socket is created, its options, and what it reports about itself.

#include "messaging/socket/socket_core.hpp"

#include <serverlink/xsub.hpp>

#include "base/message_access.hpp"
#include "base/try_allocate.hpp"
#include "base/wipe.hpp"
#include "pattern/make_pattern.hpp"
#include "pattern/subscriber.hpp"
#include "pattern/xpub.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace slk::messaging {

namespace {

/// Returns false when memory is exhausted.
bool try_copy(std::vector<socket_property>& to, const std::vector<socket_property>& from) noexcept
{
    // The elements exist, so that each text belongs to `to` at once.
    return try_resize(to, from.size()) && try_allocate([&] { to = from; });
}

/// To assign to a text may leave its old bytes behind.
void wipe_passwords(security_options& of) noexcept
{
    wipe(of.own.password);
    for (plain_credentials& each : of.accepted)
        wipe(each.password);
}

/// As message_detail::access has it. `after`: the option expires_after.
std::uint32_t lifetime_of(duration after) noexcept
{
    message any;
    if (after > duration::zero())
        any.expire_after(after);
    return message_detail::access::lifetime_of(any);
}

/// Whether a send may wait.
bool waits_for_room(zmtp::socket_type type, const socket_options& options) noexcept
{
    const bool is_publisher = zmtp::is_publisher(type);
    return is_publisher ? options.no_drop : type != zmtp::socket_type::router || options.mandatory;
}

/// The message that new peers are sent, framed; null: none. Errors: out_of_memory.
result<reference<message_detail::owned_memory>> welcome_of(const socket_options& options) noexcept
{
    const std::string& text = options.welcome_message;
    if (text.empty())
        return reference<message_detail::owned_memory>{};
    const std::size_t header = zmtp::header_size(text.size());
    auto framed = reference<message_detail::owned_memory>::adopt(
        message_detail::owned_memory::create(header + text.size()));
    if (!framed)
        return fail(errc::out_of_memory, phase::setup);
    zmtp::write_header(framed->bytes(), 0, text.size());
    std::memcpy(framed->bytes() + header, text.data(), text.size());
    return framed;
}

} // namespace

result<socket_core*> socket_core::create(const std::shared_ptr<context_core>& in,
                                         zmtp::socket_type type, const socket_options& options)
{
    return create(in, type, options, pattern::make_pattern(type, in->next_random(), in->budget()));
}

result<socket_core*> socket_core::create(const std::shared_ptr<context_core>& in,
                                         zmtp::socket_type type, const socket_options& options,
                                         std::unique_ptr<pattern::pattern> routes)
{
    auto reports = reference<inbox>::adopt(new (std::nothrow) inbox);
    if (routes == nullptr || !reports || !reports->complete())
        return fail(errc::out_of_memory, phase::setup);
    reports->events().begin(in->next_number(), zmtp::name_of(type),
                            in->run_by_caller() ? in->first_loop() : nullptr);
    auto closing = reference<closing_count>::adopt(new (std::nothrow) closing_count(reports));
    if (!closing)
        return fail(errc::out_of_memory, phase::setup);
    auto made = reference<socket_core>::adopt(new (std::nothrow) socket_core(
        in, type, std::move(reports), std::move(routes), std::move(closing)));
    if (!made || !made->state_.pools.complete())
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(made->set_options(options));
    made->state_.reports->set_topics_of(*made->state_.routes);
    SLK_TRY(in->add(made->state_.reports));
    made->retain();
    return made.get();
}

result<void> socket_core::set_options(const socket_options& options)
{
    SLK_TRY(state_.usable());
    state_.process_reports();
    SLK_TRY(options.validate());
    SLK_TRY(pattern::check_options(state_.type, options));
    SLK_TRY(state_.context->check_affinity(options.affinity));
    socket_options own;
    if (!try_copy(own, options))
        return fail(errc::out_of_memory, phase::setup);
    reference<pattern::topic_book> topics;
    if (state_.routes->topics() != nullptr)
        topics = reference<pattern::topic_book>::to(*state_.routes->topics());
    SLK_TRY(auto welcome, welcome_of(options));
    SLK_TRY(state_.settings, connection_settings::create(state_.type, options, std::move(topics)));
    wipe_passwords(state_.options.security);
    state_.routes->set_options(options);
    state_.reports->places().set_handover(options.handover, !options.mute_duplicates);
    state_.peers.set_mutes_duplicates(options.mute_duplicates);
    state_.peers.set_requeue(options.requeue);
    sender_.set_lifetime(lifetime_of(options.expires_after));
    receiver_.set_tells_origin(options.tells_origin);
    sender_.set_bursts_end_at_mark(options.bursts_end_at_mark && !state_.context->run_by_caller() &&
                                   waits_for_room(state_.type, options));
    state_.peers.set_welcome(std::move(welcome), zmtp::header_size(options.welcome_message.size()) +
                                                     options.welcome_message.size());
    move_options(state_.options, own);
    state_.peers.set_marks({options.send_high_water_mark, options.send_high_water_bytes},
                           {options.receive_high_water_mark, options.receive_high_water_bytes},
                           options.adds_no_limit_by_inproc);
    state_.settle();
    return {};
}

// --- state ---

std::vector<endpoint_status> socket_core::endpoints()
{
    if (state_.context->forked())
        return {};
    state_.run_and_process();
    remove_ended_endpoints();
    std::vector<endpoint_status> all;
    if (!try_reserve(all, state_.endpoints.all().size()))
        return {};
    for (const auto& each : state_.endpoints.all()) {
        if (each->is_unbound)
            continue;
        endpoint_status status;
        status.kind = each->kind;
        if (!try_assign(status.endpoint, each->text))
            return {};
        if (each->connecting)
            status.link = each->connecting->status();
        if (each->accepting)
            status.listener = each->accepting->status();
        status.ready = each->peer && each->peer->state == peer_state::connected;
        status.peers = static_cast<std::size_t>(
            std::ranges::count_if(state_.peers.all(), [&](const auto& peer) {
                return peer->endpoint == each->number && peer->state == peer_state::connected;
            }));
        if (each->log) {
            const auto [count, latest] = each->log->handshake_failures();
            status.handshake_failures = count;
            status.last_handshake_failure = latest;
        }
        all.push_back(std::move(status));
    }
    return all;
}

std::vector<peer_status> socket_core::peers()
{
    if (state_.context->forked())
        return {};
    state_.run_and_process();
    std::vector<peer_status> all;
    if (!try_reserve(all, state_.peers.all().size()))
        return {};
    for (const auto& each : state_.peers.all()) {
        const pipe& peer = *each;
        const endpoint_entry* const at = state_.endpoints.find(peer.endpoint);
        peer_status status;
        // Before the others: a message that was not sent is one that was taken.
        status.refused = peer.lanes()->refused.load(std::memory_order_acquire);
        const std::uint64_t earlier_lapsed = peer.history ? peer.history->earlier_lapsed : 0;
        status.lapsed = peer.out.lapsed() - earlier_lapsed;
        const message_counts sent = peer.out.counts();
        if (!try_assign(status.routing_id, peer.name()) ||
            (at != nullptr && !try_assign(status.endpoint, at->text)) ||
            !try_assign(status.user, peer.info.user()) ||
            !try_copy(status.properties, peer.info.properties))
            return {};
        status.generation = peer.generation;
        status.address = peer.info.peer;
        status.ready = peer.state == peer_state::connected;
        status.connections = peer.connections;
        const message_counts earlier = peer.history ? peer.history->earlier : message_counts{};
        status.queued_total = sent.written - earlier.written;
        status.last_refusal = peer.last_refusal;
        status.sent = std::max(sent.taken, earlier.written) - earlier.written - peer.requeued() -
                      status.refused - status.lapsed;
        status.queued = sent.written - sent.replaced - sent.taken;
        status.received = peer.in.consumed() - earlier.taken - peer.discarded;
        status.dropped = peer.dropped;
        status.subscriptions = state_.routes->topics_of(peer);
        status.conflated_sent = sent.replaced;
        // With inproc the sender counts them.
        status.conflated_received = peer.is_inproc ? 0 : peer.in.replaced();
        status.unconfirmed = peer.lanes()->unconfirmed.load(std::memory_order_relaxed);
        status.stalled = peer.stalled;
        status.last_reason = peer.last_reason;
        all.push_back(std::move(status));
    }
    return all;
}

result<void> socket_core::wait_ready(const timeout& limit)
{
    SLK_TRY(state_.usable());
    const auto is_ready = [&] {
        bool any = false;
        for (const auto& each : state_.endpoints.all()) {
            if (each->kind != endpoint_kind::connected || each->ends_with_peer)
                continue;
            any = true;
            if (!each->peer || each->peer->state != peer_state::connected)
                return false;
        }
        return any || std::ranges::any_of(state_.peers.all(), [](const auto& each) {
                   return each->state == peer_state::connected;
               });
    };
    state_.process_reports();
    return is_ready() ? result<void>{} : state_.await(is_ready, limit);
}

// --- publishers and subscribers ---

result<void> socket_core::subscribe(std::span<const std::byte> topic)
{
    SLK_TRY(state_.usable());
    state_.process_reports();
    SLK_TRY(static_cast<pattern::subscriber&>(*state_.routes).subscribe(topic, state_.pools));
    state_.process_reports(); // a peer of inproc that has come before may not know this one
    state_.peers.send_request(true, topic);
    state_.run_and_process();
    return {};
}

result<void> socket_core::unsubscribe(std::span<const std::byte> topic)
{
    SLK_TRY(state_.usable());
    state_.process_reports();
    if (!static_cast<pattern::subscriber&>(*state_.routes).unsubscribe(topic, state_.pools))
        return {};
    state_.process_reports();
    state_.peers.send_request(false, topic);
    state_.run_and_process();
    return {};
}

result<void> socket_core::psubscribe(std::span<const std::byte> pattern)
{
    SLK_TRY(state_.usable());
    state_.process_reports();
    SLK_TRY(const auto added,
            static_cast<pattern::subscriber&>(*state_.routes).add_pattern(pattern, state_.pools));
    state_.process_reports();
    if (added.told)
        state_.peers.send_request(true, added.topic.view());
    state_.run_and_process();
    return {};
}

result<void> socket_core::punsubscribe(std::span<const std::byte> pattern)
{
    SLK_TRY(state_.usable());
    state_.process_reports();
    const auto removed =
        static_cast<pattern::subscriber&>(*state_.routes).remove_pattern(pattern, state_.pools);
    state_.process_reports();
    if (removed.told)
        state_.peers.send_request(false, removed.topic.view());
    state_.run_and_process();
    return {};
}

result<send_outcome> socket_core::send_upstream(std::span<const pattern::part_view> parts)
{
    SLK_TRY(state_.usable());
    if (parts.empty())
        return fail(errc::invalid_argument, phase::transfer, "a message has at least one part");
    const auto is_request = [](const pattern::part_view& part) {
        return pattern::is_request(part.bytes);
    };
    const bool only_first = state_.options.only_first_subscribe && !is_request(parts.front());
    if (only_first || std::ranges::none_of(parts, is_request))
        return sender_.send_upstream(parts);
    std::vector<pattern::part_view> others;
    if (!try_reserve(others, parts.size()))
        return fail(errc::out_of_memory, phase::transfer);
    for (const pattern::part_view& part : parts)
        if (is_request(part) && part.bytes.size() - 1 > xsub::max_topic_size)
            return fail(errc::invalid_argument, phase::transfer, "the topic is too long");
    for (const pattern::part_view& part : parts) {
        if (!is_request(part))
            others.push_back(part);
        else if (part.bytes.front() == std::byte{1})
            SLK_TRY(subscribe(part.bytes.subspan(1)));
        else
            SLK_TRY(unsubscribe(part.bytes.subspan(1)));
    }
    return others.empty() ? send_outcome::queued : sender_.send_upstream(others);
}

result<void> socket_core::subscribe_for_peer(bool subscribe, std::span<const std::byte> topic)
{
    SLK_TRY(state_.usable());
    state_.process_reports();
    auto& at = static_cast<pattern::xpub&>(*state_.routes);
    return subscribe ? at.subscribe_last(topic) : at.unsubscribe_last(topic);
}

std::size_t socket_core::topics_count()
{
    if (!state_.usable())
        return 0;
    if (const pattern::topic_book* const own = state_.routes->topics(); own != nullptr)
        return own->size();
    state_.run_and_process();
    return static_cast<pattern::pub&>(*state_.routes).topics_count();
}

result<void> socket_core::wait_subscribers(std::span<const std::byte> topic, std::size_t count,
                                           const timeout& limit)
{
    SLK_TRY(state_.usable());
    auto& to = static_cast<pattern::pub&>(*state_.routes);
    const auto are_there = [&] { return to.subscribers(topic) >= count; };
    state_.process_reports();
    return are_there() ? result<void>{} : state_.await(are_there, limit);
}

// --- the peers of a ROUTER ---

result<void> socket_core::finish_peer(const result<pattern::peer*>& known)
{
    if (!known)
        return fail(known.error());
    auto& peer = static_cast<pipe&>(**known);
    const reference<far_end> far = peer.far;
    if (endpoint_entry* const at = state_.endpoints.find(peer.endpoint);
        at != nullptr && at->connecting) {
        at->ends_with_peer = true;
        at->connecting->pause();
    }
    state_.peers.part_from(peer);
    far->finish();
    state_.context->submit_sends();
    return {};
}

result<void> socket_core::disconnect_peer(const result<pattern::peer*>& known, const char* reason)
{
    if (!known)
        return fail(known.error());
    state_.peers.drop(static_cast<pipe&>(**known), {errc::cancelled, phase::none, 0, reason});
    return {};
}

result<bool> socket_core::has_room(const result<pattern::peer*>& known)
{
    if (!known)
        return fail(known.error());
    return sender_.has_room(**known);
}

// --- other event loops ---

socket_events socket_core::events(bool to_receive, bool to_send)
{
    if (!state_.usable())
        return {};
    if (state_.options.event_handle_shows_news)
        state_.reports->clear_event_handle();
    state_.reports->clear_notice();
    state_.run_and_process();
    return {.readable = to_receive && receiver_.can_receive(),
            .writable = to_send && sender_.can_send()};
}

result<std::intptr_t> socket_core::event_handle()
{
    SLK_TRY(state_.usable());
    if (!state_.context->run_by_caller())
        return state_.reports->event_handle(state_.options.event_handle_shows_news);
    io::loop_core* const loop = state_.context->to_run();
    const auto handle = loop != nullptr ? loop->io().wait_handle() : io::invalid_handle;
    if (handle == io::invalid_handle)
        return fail(errc::not_supported, phase::none, "this loop's backend has no handle");
    return handle;
}

result<void> socket_core::on_news(std::function<void()> call)
{
    SLK_TRY(state_.usable());
    if (call && state_.context->run_by_caller())
        return fail(errc::not_supported, phase::none, "the context has no threads");
    if (!state_.reports->make_notice())
        return fail(errc::out_of_memory, phase::none);
    if (!state_.reports->notice()->attach(std::move(call)))
        return fail(errc::already_exists, phase::none, "the socket is watched already");
    return {};
}

duration socket_core::poll_timeout() const noexcept
{
    return state_.context->poll_timeout();
}

} // namespace slk::messaging
