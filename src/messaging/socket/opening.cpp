// SPDX-License-Identifier: MPL-2.0

// How a socket gets its peers: bind() and connect().

#include "link/open_when_free.hpp"
#include "messaging/socket/socket_core.hpp"

#include <new>

namespace slk::messaging {

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
    entry->accepting = reference<acceptor>::adopt(
        new acceptor(on, state_.settings, state_.reports, entry->number));
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
    SLK_TRY(link_detail::open_when_free(!on->core->may_touch(), open));
    return state_.endpoints.add(std::move(entry)).text;
}

result<std::string> socket_core::bind_inproc(const std::string& name)
{
    auto made = std::make_unique<endpoint_entry>();
    made->kind = endpoint_kind::bound;
    made->number = state_.context->next_number();
    made->inproc_name = name;
    made->text = "inproc://" + name;
    // Sockets that wait for the name are reported at once, so the entry comes first.
    endpoint_entry& entry = state_.endpoints.add(std::move(made));
    if (const auto bound = state_.context->names().bind(name, party(entry.number)); !bound) {
        state_.endpoints.remove({&entry});
        return fail(bound.error());
    }
    state_.process_reports();
    return entry.text;
}

inproc_party socket_core::party(std::uint64_t number) noexcept
{
    const socket_options& options = state_.settings->options();
    return {.reports = state_.reports,
            .type = state_.type,
            .routing_id = options.routing_id,
            .endpoint = number,
            .receive_mark = options.receive_high_water_mark,
            .receive_bytes = options.receive_high_water_bytes,
            .conflates = options.conflate,
            .pools = &state_.pools};
}

/// A name that connect() gives to a peer.
result<void> socket_core::check_name(const connect_options& how) const
{
    if (how.routing_id.empty())
        return {};
    SLK_TRY(state_.routes->check_name(how.routing_id));
    if (state_.peers.has_name(how.routing_id))
        return fail(errc::invalid_argument, phase::connect, "routing_id is taken");
    return {};
}

result<void> socket_core::connect(std::string_view text, const connect_options& how)
{
    SLK_TRY(state_.usable());
    state_.process_reports();
    SLK_TRY(const endpoint to, endpoint::parse(text));
    SLK_TRY(check_name(how));
    auto made = std::make_unique<endpoint_entry>();
    made->kind = endpoint_kind::connected;
    made->number = state_.context->next_number();
    made->text = text;
    SLK_TRY(to.transport == transport::inproc ? connect_inproc(*made, to.host)
                                              : connect_link(*made, to));
    pipe& peer = *made->peer;
    endpoint_entry& entry = state_.endpoints.add(std::move(made));
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
    if (entry.connecting)
        entry.connecting->start();
    state_.process_reports();
    return {};
}

result<void> socket_core::connect_inproc(endpoint_entry& entry, const std::string& name)
{
    entry.inproc_name = name;
    SLK_TRY(entry.peer, state_.context->names().connect(name, party(entry.number)));
    return {};
}

result<void> socket_core::connect_link(endpoint_entry& entry, const endpoint& to)
{
    const std::shared_ptr<io_loop>& on = state_.context->next_loop(state_.options.affinity);
    entry.connected = connection::create_connecting(on, state_.settings, state_.reports,
                                                    entry.number, state_.pools);
    if (!entry.connected)
        return fail(errc::out_of_memory, phase::connect);
    entry.peer = entry.connected->near();

    link_options wanted{
        .to = to, .reconnect = state_.options.reconnect, .tuning = state_.options.tuning};
    wanted.reconnect.useful_when = usefulness::confirmed;
    link_handlers handlers;
    handlers.connected = [made = entry.connected](stream next) { made->begin(std::move(next)); };
    auto connecting = link::create(*on->loop, std::move(wanted), std::move(handlers));
    if (!connecting) {
        entry.connected->end(connecting.error());
        entry.peer->far.reset();
        return fail(connecting.error());
    }
    entry.connecting = std::move(*connecting);
    entry.connected->observe(&entry);
    return {};
}

} // namespace slk::messaging
