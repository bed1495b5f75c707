// SPDX-License-Identifier: MPL-2.0

// How a socket gets its peers: bind() and connect().

#include "messaging/socket/socket_core.hpp"

#include "base/try_allocate.hpp"

#include <new>
#include <utility>

namespace slk::messaging {

namespace {

constexpr error no_memory_to_bind{errc::out_of_memory, phase::bind};
constexpr error no_memory_to_connect{errc::out_of_memory, phase::connect};

/// The text of an endpoint, for the table and for the caller.
struct endpoint_texts {
    /// Returns false when memory is exhausted.
    [[nodiscard]] bool assign(endpoint_entry& entry, std::string_view text) noexcept
    {
        return !text.empty() && try_assign(entry.text, text) && try_assign(last, text) &&
               try_assign(returned, text);
    }

    std::string last;
    std::string returned;
};

} // namespace

result<std::string> socket_core::bind(std::string_view text)
{
    SLK_TRY(state_.usable());
    SLK_TRY(const endpoint at, endpoint::parse(text));
    if (at.transport == transport::inproc)
        return bind_inproc(at.host);
    std::unique_ptr<endpoint_entry> entry(new (std::nothrow) endpoint_entry);
    if (entry == nullptr || !state_.endpoints.reserve())
        return fail(no_memory_to_bind);
    entry->kind = endpoint_kind::bound;
    entry->number = state_.context->next_number();
    const std::shared_ptr<io_loop>& on = state_.context->next_loop(state_.options.affinity);
    entry->accepting = reference<acceptor>::adopt(
        new (std::nothrow) acceptor(on, state_.settings, state_.reports, entry->number));
    if (!entry->accepting)
        return fail(no_memory_to_bind);
    result<void> opened = fail(errc::loop_closed, phase::bind);
    endpoint_texts texts;
    on->perform([&] {
        opened = entry->accepting->open(at);
        if (!opened)
            return;
        const endpoint local = entry->accepting->local_endpoint();
        if (!local.host.empty() && texts.assign(*entry, to_string(local)))
            return;
        entry->accepting->stop_listening();
        opened = fail(no_memory_to_bind);
    });
    SLK_TRY(std::move(opened));
    state_.endpoints.add(std::move(entry), std::move(texts.last));
    return std::move(texts.returned);
}

result<std::string> socket_core::bind_inproc(const std::string& name)
{
    std::unique_ptr<endpoint_entry> made(new (std::nothrow) endpoint_entry);
    endpoint_texts texts;
    if (made == nullptr || !state_.endpoints.reserve() || !try_assign(made->inproc_name, name) ||
        !texts.assign(*made, joined({"inproc://", name})))
        return fail(no_memory_to_bind);
    made->kind = endpoint_kind::bound;
    made->number = state_.context->next_number();
    SLK_TRY(auto self, party(made->number));
    // Sockets that wait for the name are reported at once, so the entry comes first.
    endpoint_entry& entry = state_.endpoints.add(std::move(made), std::move(texts.last));
    if (const auto bound = state_.context->names().bind(name, std::move(self)); !bound) {
        state_.endpoints.remove(endpoint_list(entry));
        return fail(bound.error());
    }
    state_.process_reports();
    return std::move(texts.returned);
}

result<inproc_party> socket_core::party(std::uint64_t number) noexcept
{
    const socket_options& options = state_.settings->options();
    inproc_party made{.reports = state_.reports,
                      .type = state_.type,
                      .routing_id = {},
                      .endpoint = number,
                      .receive_mark = options.receive_high_water_mark,
                      .receive_bytes = options.receive_high_water_bytes,
                      .conflates = options.conflate,
                      .pools = &state_.pools};
    if (!try_assign(made.routing_id, options.routing_id))
        return fail(errc::out_of_memory, phase::setup);
    return made;
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
    std::unique_ptr<endpoint_entry> made(new (std::nothrow) endpoint_entry);
    std::string last, routing_id;
    if (made == nullptr || !state_.endpoints.reserve() || !state_.peers.reserve() ||
        !try_assign(made->text, text) || !try_assign(last, text) ||
        !try_assign(routing_id, how.routing_id))
        return fail(no_memory_to_connect);
    made->kind = endpoint_kind::connected;
    made->number = state_.context->next_number();
    SLK_TRY(to.transport == transport::inproc ? connect_inproc(*made, to.host)
                                              : connect_link(*made, to));
    pipe& peer = *made->peer;
    endpoint_entry& entry = state_.endpoints.add(std::move(made), std::move(last));
    peer.immediate = state_.options.immediate;
    peer.named = !how.routing_id.empty();
    peer.routing_id = std::move(routing_id);
    (void)state_.peers.add(peer); // there is room
    if (!peer.immediate && state_.routes->attaches_unconnected(peer)) {
        if (const auto attached = state_.peers.attach_unconnected(peer); !attached) {
            (void)remove(endpoint_list(entry), duration::zero());
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
    if (!try_assign(entry.inproc_name, name))
        return fail(no_memory_to_connect);
    SLK_TRY(auto self, party(entry.number));
    SLK_TRY(entry.peer, state_.context->names().connect(name, std::move(self)));
    return {};
}

result<void> socket_core::connect_link(endpoint_entry& entry, const endpoint& to)
{
    const std::shared_ptr<io_loop>& on = state_.context->next_loop(state_.options.affinity);
    entry.connected = connection::create_connecting(on, state_.settings, state_.reports,
                                                    entry.number, state_.pools);
    if (!entry.connected)
        return fail(no_memory_to_connect);
    entry.peer = entry.connected->near();

    link_options wanted;
    const bool copied = try_allocate([&] {
        wanted.to = to;
        wanted.tuning = state_.options.tuning;
    });
    wanted.reconnect = state_.options.reconnect;
    wanted.reconnect.useful_when = usefulness::confirmed;
    link_handlers handlers;
    // The entry keeps the connection for as long as the link. A function of this size is kept
    // without memory.
    handlers.connected = [made = entry.connected.get()](stream next) {
        made->begin(std::move(next));
    };
    auto connecting = copied ? link::create(*on->loop, std::move(wanted), std::move(handlers))
                             : result<link>(fail(no_memory_to_connect));
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
