// SPDX-License-Identifier: MPL-2.0

// How a socket gets its peers: bind() and connect().

#include "link/open_when_free.hpp"
#include "messaging/socket/socket_core.hpp"

#include <list>
#include <mutex>
#include <new>

namespace slk::messaging {

namespace {

/// A text for error::detail, which lives as long as the process: only the first few are kept.
const char* keep_text(std::string text)
{
    constexpr std::size_t max_texts = 64;
    static std::mutex guard;
    static auto& kept = *new std::list<std::string>;
    const std::lock_guard lock(guard);
    for (const std::string& each : kept)
        if (each == text)
            return each.c_str();
    if (kept.size() == max_texts)
        return "the endpoint";
    return kept.emplace_back(std::move(text)).c_str();
}

/// Says which endpoint could not be bound, unless the error has more to say.
error name_endpoint(error failure, const endpoint& at)
{
    if (failure.detail == nullptr)
        failure.detail = keep_text(to_string(at));
    return failure;
}

} // namespace

result<std::string> socket_core::bind(std::string_view text)
{
    SLK_TRY(state_.usable());
    SLK_TRY(const endpoint at, endpoint::parse(text));
    if (at.transport == transport::inproc)
        return bind_inproc(at.host);
    auto entry = std::make_unique<endpoint_entry>();
    entry->kind = endpoint_kind::bound;
    entry->number = state_.context->next_number();
    const std::shared_ptr<io_loop>& on = state_.context->next_loop(state_.options.affinity);
    SLK_TRY(entry->log, endpoint_log::create(entry->number, state_.reports, phase::bind));
    SLK_TRY(entry->accepting, acceptor::create(on, state_.settings, state_.reports, entry->log));
    const auto open = [&] {
        result<void> opened = fail(errc::loop_closed, phase::bind);
        on->perform([&] {
            opened = entry->accepting->open(at);
            if (opened)
                entry->text = to_string(entry->accepting->local_endpoint());
        });
        return opened;
    };
    // A listener that is opened on this thread waits by itself.
    const bool may_wait = !on->core->may_touch();
    if (const auto opened = link_detail::open_when_free(may_wait, at.transport, open); !opened)
        return fail(name_endpoint(opened.error(), at));
    return state_.endpoints.add(std::move(entry)).text;
}

result<std::string> socket_core::bind_inproc(const std::string& name)
{
    auto made = std::make_unique<endpoint_entry>();
    made->kind = endpoint_kind::bound;
    made->number = state_.context->next_number();
    made->inproc_name = name;
    made->text = "inproc://" + name;
    SLK_TRY(made->log, endpoint_log::create(made->number, state_.reports, phase::bind));
    // Sockets that wait for the name are reported at once, so the entry comes first.
    endpoint_entry& entry = state_.endpoints.add(std::move(made));
    if (const auto bound = state_.context->names().bind(name, party(entry)); !bound) {
        state_.endpoints.remove({&entry});
        return fail(bound.error());
    }
    state_.process_reports();
    return entry.text;
}

inproc_party socket_core::party(const endpoint_entry& entry)
{
    const socket_options& options = state_.settings->options();
    return {.reports = state_.reports,
            .log = entry.log,
            .type = state_.type,
            .routing_id = options.routing_id,
            .endpoint = entry.number,
            .receive_mark = options.receive_high_water_mark,
            .receive_bytes = options.receive_high_water_bytes,
            .conflates = options.conflate,
            .immediate = options.immediate,
            .pools = &state_.pools};
}

/// What has to be free for a new endpoint of connect(): the name that it gives, and a PAIR's only
/// place.
result<void> socket_core::take_place(std::uint64_t endpoint, const connect_options& how)
{
    peer_registry& places = state_.reports->places();
    const place_holder by{.endpoint = endpoint};
    if (!how.routing_id.empty()) {
        SLK_TRY(state_.routes->check_name(how.routing_id));
        if (places.reserve(by, how.routing_id, true))
            return fail(errc::invalid_argument, phase::connect, "routing_id is taken");
    } else if (places.rule() == pattern::peer_rule::one && places.reserve(by, {})) {
        return fail(errc::address_in_use, phase::connect, "this PAIR has a peer already");
    }
    return {};
}

result<void> socket_core::connect(std::string_view text, const connect_options& how)
{
    SLK_TRY(state_.usable());
    state_.process_reports();
    SLK_TRY(const endpoint to, endpoint::parse(text));
    auto made = std::make_unique<endpoint_entry>();
    made->kind = endpoint_kind::connected;
    made->number = state_.context->next_number();
    made->text = text;
    SLK_TRY(take_place(made->number, how));
    const auto connected = to.transport == transport::inproc ? connect_inproc(*made, to.host, how)
                                                             : connect_link(*made, to, how);
    if (!connected) {
        state_.reports->places().release({.endpoint = made->number}, how.routing_id);
        return connected;
    }
    endpoint_entry& entry = state_.endpoints.add(std::move(made));
    if (entry.peer) {
        pipe& peer = *entry.peer;
        peer.immediate = state_.options.immediate;
        peer.named = !how.routing_id.empty();
        peer.routing_id = how.routing_id;
        state_.peers.add(peer);
        if (!peer.immediate && state_.routes->attaches_unconnected(peer)) {
            if (const auto attached = state_.peers.attach_unconnected(peer); !attached) {
                (void)remove({&entry}, duration::zero());
                return fail(attached.error());
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
    entry.inproc_name = name;
    SLK_TRY(entry.log, endpoint_log::create(entry.number, state_.reports, phase::connect));
    inproc_party caller = party(entry);
    caller.named = !how.routing_id.empty();
    caller.by_id = !caller.named && state_.routes->rule() == pattern::peer_rule::one_for_each_id;
    SLK_TRY(entry.peer, state_.context->names().connect(name, caller));
    return {};
}

result<void> socket_core::connect_link(endpoint_entry& entry, const endpoint& to,
                                       const connect_options& how)
{
    const std::shared_ptr<io_loop>& on = state_.context->next_loop(state_.options.affinity);
    SLK_TRY(entry.log, endpoint_log::create(entry.number, state_.reports, phase::connect));
    link_handlers handlers;
    // Where peers are known by their own routing ids, each connection may bring another one.
    if (state_.routes->rule() == pattern::peer_rule::one_for_each_id && how.routing_id.empty()) {
        entry.successive = reference<link_connections>::adopt(new (std::nothrow) link_connections(
            on, state_.settings, state_.reports, entry.log, entry));
        if (!entry.successive)
            return fail(errc::out_of_memory, phase::connect);
        handlers.connected = [by = entry.successive](stream next) { by->begin(std::move(next)); };
    } else {
        entry.connected = connection::create_connecting(on, state_.settings, state_.reports,
                                                        entry.log, state_.pools);
        if (!entry.connected)
            return fail(errc::out_of_memory, phase::connect);
        entry.peer = entry.connected->near();
        handlers.connected = [by = entry.connected](stream next) { by->begin(std::move(next)); };
    }

    link_options wanted{
        .to = to, .reconnect = state_.options.reconnect, .tuning = state_.options.tuning};
    wanted.reconnect.useful_when = usefulness::confirmed;
    auto connecting = link::create(*on->loop, std::move(wanted), std::move(handlers));
    if (!connecting) {
        if (entry.connected) {
            entry.connected->end(connecting.error());
            entry.peer->far.reset();
        }
        return fail(connecting.error());
    }
    entry.connecting = std::move(*connecting);
    if (entry.connected)
        entry.connected->observe(&entry);
    return {};
}

} // namespace slk::messaging
