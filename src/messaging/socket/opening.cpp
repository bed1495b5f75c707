// SPDX-License-Identifier: MPL-2.0

// How a socket gets its peers: bind() and connect().

#include "base/try_allocate.hpp"
#include "link/open_when_free.hpp"
#include "messaging/socket/socket_core.hpp"

#include <array>
#include <mutex>
#include <new>
#include <utility>

namespace slk::messaging {

namespace {

constexpr error no_memory_to_bind{errc::out_of_memory, phase::bind};
constexpr error no_memory_to_connect{errc::out_of_memory, phase::connect};

/// The text of an endpoint, for the table, for events and for the caller.
struct endpoint_texts {
    /// Returns false when memory is exhausted.
    [[nodiscard]] bool assign(endpoint_entry& entry, std::string_view text) noexcept
    {
        return !text.empty() && try_assign(entry.text, text) && entry.log->set_text(text) &&
               try_assign(last, text) && try_assign(returned, text);
    }

    std::string last;
    std::string returned;
};

constexpr error no_inproc(phase where) noexcept
{
    return {errc::not_supported, where, 0, "a STREAM has no inproc"};
}

/// A text for error::detail, which lives as long as the process: only the first few are kept.
const char* keep_text(std::string text)
{
    static std::mutex guard;
    static std::array<const std::string*, 64> kept{};
    const std::lock_guard lock(guard);
    for (const std::string*& each : kept) {
        if (each == nullptr)
            each = text.empty() ? nullptr : new (std::nothrow) std::string(std::move(text));
        else if (*each != text)
            continue;
        return each != nullptr ? each->c_str() : "the endpoint";
    }
    return "the endpoint";
}

void report_move(endpoint_log& log, const link_transition& move, const link_status& now) noexcept
{
    endpoint_record& counts = log.record();
    counts.link.store(move.to, std::memory_order_relaxed);
    counts.attempts.store(now.attempt, std::memory_order_relaxed);
    const bool tried = move.from == link_state::connecting || move.from == link_state::tuning;
    const bool goes_on = move.to == link_state::connecting || move.to == link_state::tuning ||
                         move.to == link_state::connected;
    if (tried && !goes_on)
        log.emit(event_kind::closed, [&](slk::event& made) {
            made.at = move.at;
            made.address = now.last_error_address;
            made.reason = now.last_error;
            return true;
        });
    // A paused link, of an endpoint that ends, does not try again.
    const bool waits = move.to == link_state::backoff && !now.paused;
    counts.retries.add(waits ? 1 : 0);
    const event_kind kind = move.to == link_state::connecting ? event_kind::connect_delayed
                            : waits                           ? event_kind::connect_retried
                                                              : event_kind::link_state;
    log.emit(kind, [&](slk::event& made) {
        made.at = move.at;
        made.from = move.from;
        made.to = move.to;
        made.attempt = now.attempt;
        made.address = now.peer;
        made.reason = move.reason;
        made.delay = move.delay;
        return true;
    });
}

/// Says which endpoint could not be bound, unless the error has more to say, or memory is
/// exhausted.
error name_endpoint(error failure, const endpoint& at)
{
    if (failure.detail == nullptr && failure != errc::out_of_memory)
        failure.detail = keep_text(to_string(at));
    return failure;
}

/// Reports the moves of a link and what names stand for. Functions of this size are kept without
/// memory; the link ends before the log.
void report_link(link_handlers& of, endpoint_log* log, endpoint_entry& entry)
{
    of.state_changed = [log, &entry](const link_transition& move, const link_status& now) {
        report_move(*log, move, now);
        if (move.to == link_state::idle && move.reason)
            entry.link_stopped(move.reason);
    };
    of.looked_up = [log](const lookup_report& done) {
        log->emit(event_kind::name_lookup, [&](slk::event& made) {
            if (!done.addresses.empty())
                made.address = done.addresses.front();
            made.count = done.addresses.size();
            made.delay = done.took;
            made.reason = done.failure;
            return try_assign(made.name, done.name);
        });
    };
}

void report_listening(const endpoint_entry& at)
{
    at.log->emit(event_kind::listening, [&](slk::event& made) {
        if (at.accepting) {
            made.address = at.accepting->status().local;
            made.descriptor = at.accepting->native_handle();
        }
        return true;
    });
}

} // namespace

result<std::string> socket_core::bind(std::string_view text)
{
    SLK_TRY(state_.usable());
    auto bound = open(text);
    if (!bound)
        state_.reports->events().emit(event_kind::bind_failed, text, [&](slk::event& made) {
            made.reason = bound.error();
            return true;
        });
    return bound;
}

result<std::string> socket_core::open(std::string_view text)
{
    SLK_TRY(const endpoint at, endpoint::parse(text));
    if (at.transport == transport::inproc && state_.type == zmtp::socket_type::stream)
        return fail(no_inproc(phase::bind));
    if (at.transport == transport::inproc)
        return bind_inproc(at.host);
    std::unique_ptr<endpoint_entry> entry(new (std::nothrow) endpoint_entry);
    if (entry == nullptr || !state_.endpoints.reserve())
        return fail(no_memory_to_bind);
    entry->kind = endpoint_kind::bound;
    entry->number = state_.context->next_number();
    const std::shared_ptr<io_loop>& on = state_.context->next_loop(state_.options.affinity);
    SLK_TRY(entry->log, endpoint_log::create(entry->number, state_.reports, phase::bind));
    SLK_TRY(entry->accepting, acceptor::create(on, state_.settings, state_.reports, entry->log));
    endpoint_texts texts;
    const auto open = [&] {
        result<void> opened = fail(errc::loop_closed, phase::bind);
        on->perform([&] {
            opened = entry->accepting->open(at);
            if (!opened)
                return;
            const endpoint local = entry->accepting->local_endpoint();
            if (!local.host.empty() && texts.assign(*entry, to_string(local)))
                return report_listening(*entry);
            entry->accepting->stop_listening();
            opened = fail(no_memory_to_bind);
        });
        return opened;
    };
    // A listener that is opened on this thread waits by itself.
    const bool may_wait = !on->core->may_touch();
    if (const auto opened = link_detail::open_when_free(may_wait, at.transport, open); !opened)
        return fail(name_endpoint(opened.error(), at));
    state_.endpoints.add(std::move(entry), std::move(texts.last));
    return std::move(texts.returned);
}

result<std::string> socket_core::bind_inproc(const std::string& name)
{
    std::unique_ptr<endpoint_entry> made(new (std::nothrow) endpoint_entry);
    endpoint_texts texts;
    if (made == nullptr || !state_.endpoints.reserve() || !try_assign(made->inproc_name, name))
        return fail(no_memory_to_bind);
    made->kind = endpoint_kind::bound;
    made->number = state_.context->next_number();
    SLK_TRY(made->log, endpoint_log::create(made->number, state_.reports, phase::bind));
    if (!texts.assign(*made, joined({"inproc://", name})))
        return fail(no_memory_to_bind);
    SLK_TRY(auto self, party(*made));
    // Sockets that wait for the name are reported at once, so the entry comes first.
    endpoint_entry& entry = state_.endpoints.add(std::move(made), std::move(texts.last));
    if (const auto bound = state_.context->names().bind(name, std::move(self)); !bound) {
        state_.endpoints.remove(endpoint_list(entry));
        return fail(bound.error());
    } else if (!*bound) {
        state_.want_meetings();
    }
    report_listening(entry);
    state_.process_reports();
    return std::move(texts.returned);
}

result<inproc_party> socket_core::party(const endpoint_entry& entry) noexcept
{
    const socket_options& options = state_.settings->options();
    inproc_party made{.reports = state_.reports,
                      .log = entry.log,
                      .type = state_.type,
                      .routing_id = {},
                      .endpoint = entry.number,
                      .receive_mark =
                          options.receive_high_water_mark == 0 && options.adds_no_limit_by_inproc
                              ? adds_nothing
                              : options.receive_high_water_mark,
                      .receive_bytes = options.receive_high_water_bytes,
                      .conflates = options.conflate,
                      .checks_types = options.checks_types_by_inproc,
                      .immediate = options.immediate,
                      .on_reconnect = options.on_reconnect,
                      .pools = &state_.pools};
    if (state_.routes->topics() != nullptr)
        made.topics = reference<pattern::topic_book>::to(*state_.routes->topics());
    if (!try_assign(made.routing_id, options.routing_id))
        return fail(errc::out_of_memory, phase::setup);
    return made;
}

/// What has to be free for a new endpoint of connect(): the name that it gives, and a PAIR's only
/// place.
result<void> socket_core::take_place(std::uint64_t endpoint, const connect_options& how)
{
    peer_registry& places = state_.reports->places();
    const place_holder by{.endpoint = endpoint};
    if (!how.routing_id.empty()) {
        SLK_TRY(state_.routes->check_name(how.routing_id));
        SLK_TRY(const auto rejected,
                places.reserve(by, how.routing_id, state_.context->now(), true));
        if (rejected)
            return fail(errc::invalid_argument, phase::connect, "routing_id is taken");
    } else if (places.rule() == pattern::peer_rule::one &&
               places.reserve(by, {}, state_.context->now()).value_or(zmtp::rejection::has_peer)) {
        return fail(errc::address_in_use, phase::connect, "this PAIR has a peer already");
    }
    return {};
}

result<void> socket_core::connect(std::string_view text, const connect_options& how)
{
    SLK_TRY(state_.usable());
    state_.process_reports();
    remove_ended_endpoints();
    SLK_TRY(const endpoint to, endpoint::parse(text));
    if (to.transport == transport::inproc && state_.type == zmtp::socket_type::stream)
        return fail(no_inproc(phase::connect));
    std::unique_ptr<endpoint_entry> made(new (std::nothrow) endpoint_entry);
    std::string last, routing_id;
    if (made == nullptr || !state_.endpoints.reserve() || !state_.peers.reserve() ||
        !try_assign(made->text, text) || !try_assign(last, text) ||
        !try_assign(routing_id, how.routing_id))
        return fail(no_memory_to_connect);
    made->kind = endpoint_kind::connected;
    made->number = state_.context->next_number();
    SLK_TRY(take_place(made->number, how));
    const auto connected = to.transport == transport::inproc ? connect_inproc(*made, to.host, how)
                                                             : connect_link(*made, to, how);
    if (!connected) {
        state_.reports->places().release({.endpoint = made->number}, how.routing_id);
        return connected;
    }
    endpoint_entry& entry = state_.endpoints.add(std::move(made), std::move(last));
    if (entry.peer) {
        pipe& peer = *entry.peer;
        peer.immediate = state_.options.immediate;
        peer.named = !how.routing_id.empty();
        peer.routing_id = std::move(routing_id);
        (void)state_.peers.add(peer); // there is room
        if (!peer.immediate && state_.routes->attaches_unconnected(peer)) {
            if (const auto attached = state_.peers.attach_unconnected(peer); !attached) {
                const place_holder by{.endpoint = entry.number};
                (void)remove(endpoint_list(entry), duration::zero());
                state_.reports->places().release(by, how.routing_id);
                return fail(attached.error());
            }
        }
        if (state_.settings->is_raw()) {
            peer.immediate = true; // what is queued is for the first connection alone
            if (!peer.named && peer.state == peer_state::queueing) {
                entry.peer_name = peer.routing_id; // needs no memory: the pattern has made it
                peer.named = true;
            }
        }
    }
    if (entry.connecting)
        entry.connecting->start();
    state_.process_reports();
    return {};
}

result<void> socket_core::connect_inproc(endpoint_entry& entry, const std::string& name,
                                         const connect_options& how)
{
    if (!try_assign(entry.inproc_name, name))
        return fail(no_memory_to_connect);
    SLK_TRY(entry.log, endpoint_log::create(entry.number, state_.reports, phase::connect));
    if (!entry.log->set_text(entry.text))
        return fail(no_memory_to_connect);
    SLK_TRY(auto caller, party(entry));
    caller.named = !how.routing_id.empty();
    caller.by_id = !caller.named && pattern::changes_peers(state_.routes->rule());
    SLK_TRY(entry.peer, state_.context->names().connect(name, std::move(caller)));
    return {};
}

result<void> socket_core::connect_link(endpoint_entry& entry, const endpoint& to,
                                       const connect_options& how)
{
    const std::shared_ptr<io_loop>& on = state_.context->next_loop(state_.options.affinity);
    SLK_TRY(entry.log, endpoint_log::create(entry.number, state_.reports, phase::connect));
    if (!entry.log->set_text(entry.text))
        return fail(no_memory_to_connect);
    // The entry keeps the connections for as long as the link. Functions of this size are kept
    // without memory.
    link_handlers handlers;
    report_link(handlers, entry.log.get(), entry);
    const bool is_raw = state_.settings->is_raw();
    if (is_raw && !try_assign(entry.peer_name, how.routing_id))
        return fail(no_memory_to_connect);
    if (is_raw || (pattern::changes_peers(state_.routes->rule()) && how.routing_id.empty())) {
        entry.successive = reference<link_connections>::adopt(new (std::nothrow) link_connections(
            on, state_.settings, state_.reports, entry.log, entry));
        if (entry.successive && is_raw)
            entry.peer = entry.successive->prepare(state_.pools);
        if (!entry.successive || (is_raw && !entry.peer))
            return fail(no_memory_to_connect);
        handlers.connected = [by = entry.successive.get()](stream next) {
            by->begin(std::move(next));
        };
    } else {
        entry.connected = connection::create_connecting(
            on, state_.settings, state_.reports, pipe_origin::connect, entry.log, state_.pools);
        if (!entry.connected)
            return fail(no_memory_to_connect);
        entry.peer = entry.connected->near();
        handlers.connected = [by = entry.connected.get()](stream next) {
            by->begin(std::move(next));
        };
    }

    link_options wanted;
    const bool copied = try_allocate([&] {
        wanted.to = to;
        wanted.tuning = state_.options.tuning;
    });
    wanted.reconnect = state_.options.reconnect;
    wanted.reconnect.useful_when = usefulness::confirmed;
    auto connecting = copied ? link::create(*on->loop, std::move(wanted), std::move(handlers))
                             : result<link>(fail(no_memory_to_connect));
    if (!connecting) {
        if (entry.connected)
            entry.connected->end(connecting.error());
        if (entry.successive)
            entry.successive->end(connecting.error());
        if (entry.peer)
            entry.peer->far.reset();
        return fail(connecting.error());
    }
    entry.connecting = std::move(*connecting);
    if (entry.connected)
        entry.connected->observe(&entry);
    return {};
}

} // namespace slk::messaging
