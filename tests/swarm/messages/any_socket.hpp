// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_MESSAGES_ANY_SOCKET_HPP
#define SLK_TESTS_SWARM_MESSAGES_ANY_SOCKET_HPP

/// A socket of any type.

#include <serverlink/context.hpp>
#include <serverlink/dealer.hpp>
#include <serverlink/pair.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>
#include <serverlink/router.hpp>

#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

namespace slk::swarm::messages {

enum class kind : std::uint8_t { push, pull, pair, dealer, router };

[[nodiscard]] std::string_view name_of(kind type);
[[nodiscard]] constexpr bool can_send(kind type)
{
    return type != kind::pull;
}
[[nodiscard]] constexpr bool can_receive(kind type)
{
    return type != kind::push;
}

class any_socket {
public:
    [[nodiscard]] static result<any_socket> create(context& in, kind type,
                                                   const router_options& options);

    [[nodiscard]] socket& base() noexcept;
    /// Returns null for the other types.
    [[nodiscard]] router* as_router() noexcept { return std::get_if<router>(&held_); }

    /// `to`: ROUTER only.
    result<send_outcome> send(const peer_id& to, multipart&& whole, const timeout& limit);
    /// Not for a ROUTER.
    result<send_outcome> send(message&& whole, const timeout& limit);
    result<std::size_t> send_batch(std::span<message> batch, const timeout& limit);
    /// `from`: ROUTER only.
    result<router_event> receive(peer_id& from, multipart& into, const timeout& limit);
    /// Not for a ROUTER.
    result<std::size_t> receive_batch(std::span<message> into, const timeout& limit);

private:
    using any = std::variant<push, pull, pair, dealer, router>;
    explicit any_socket(any held) noexcept : held_(std::move(held)) {}

    any held_;
};

} // namespace slk::swarm::messages

#endif
