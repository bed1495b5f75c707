// SPDX-License-Identifier: MPL-2.0
#include "swarm/messages/any_socket.hpp"

#include <type_traits>

namespace slk::swarm::messages {

namespace {

unexpected not_supported()
{
    return fail(errc::not_supported, phase::none, "a socket of this type cannot do it");
}

} // namespace

std::string_view name_of(kind type)
{
    switch (type) {
    case kind::push: return "PUSH";
    case kind::pull: return "PULL";
    case kind::pair: return "PAIR";
    case kind::dealer: return "DEALER";
    case kind::router: return "ROUTER";
    }
    return "";
}

result<any_socket> any_socket::create(context& in, kind type, const router_options& options)
{
    const auto wrapped = [](auto made) -> result<any_socket> {
        if (!made)
            return fail(made.error());
        return any_socket(std::move(*made));
    };
    switch (type) {
    case kind::push: return wrapped(push::create(in, options));
    case kind::pull: return wrapped(pull::create(in, options));
    case kind::pair: return wrapped(pair::create(in, options));
    case kind::dealer: return wrapped(dealer::create(in, options));
    case kind::router: break;
    }
    return wrapped(router::create(in, options));
}

socket& any_socket::base() noexcept
{
    return std::visit([](auto& held) -> socket& { return held; }, held_);
}

result<send_outcome> any_socket::send(const peer_id& to, multipart&& whole, const timeout& limit)
{
    return std::visit(
        [&]<class T>(T& held) -> result<send_outcome> {
            if constexpr (std::is_same_v<T, router>)
                return held.send(to, std::move(whole), limit);
            else if constexpr (std::is_same_v<T, pull>)
                return not_supported();
            else
                return held.send(std::move(whole), limit);
        },
        held_);
}

result<send_outcome> any_socket::send(message&& whole, const timeout& limit)
{
    return std::visit(
        [&]<class T>(T& held) -> result<send_outcome> {
            if constexpr (std::is_same_v<T, pull> || std::is_same_v<T, router>)
                return not_supported();
            else
                return held.send(std::move(whole), limit);
        },
        held_);
}

result<std::size_t> any_socket::send_batch(std::span<message> batch, const timeout& limit)
{
    return std::visit(
        [&]<class T>(T& held) -> result<std::size_t> {
            if constexpr (std::is_same_v<T, pull> || std::is_same_v<T, router>)
                return not_supported();
            else
                return held.send_batch(batch, limit);
        },
        held_);
}

result<router_event> any_socket::receive(peer_id& from, multipart& into, const timeout& limit)
{
    return std::visit(
        [&]<class T>(T& held) -> result<router_event> {
            if constexpr (std::is_same_v<T, router>) {
                return held.receive(from, into, limit);
            } else if constexpr (std::is_same_v<T, push>) {
                return not_supported();
            } else {
                SLK_TRY(held.receive(into, limit));
                return router_event::message;
            }
        },
        held_);
}

result<std::size_t> any_socket::receive_batch(std::span<message> into, const timeout& limit)
{
    return std::visit(
        [&]<class T>(T& held) -> result<std::size_t> {
            if constexpr (std::is_same_v<T, push> || std::is_same_v<T, router>)
                return not_supported();
            else
                return held.receive_batch(into, limit);
        },
        held_);
}

} // namespace slk::swarm::messages
