// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_ENDPOINT_TABLE_HPP
#define SLK_MESSAGING_SOCKET_ENDPOINT_TABLE_HPP

/// The endpoints of a socket: one entry for each bind() and connect(). For the socket's thread.

#include <serverlink/link.hpp>
#include <serverlink/socket.hpp>

#include "messaging/connection/acceptor.hpp"
#include "messaging/connection/connection.hpp"
#include "messaging/connection/link_connections.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slk::messaging {

struct endpoint_entry final : connection_observer {
    /// A peer that accepts connections and then refuses the handshake is retried with growing
    /// delays, so a link counts as useful only now.
    void connection_ready() noexcept override { connecting->confirm_useful(); }
    void connection_closed() noexcept override {}

    endpoint_kind kind = endpoint_kind::connected;
    std::uint64_t number = 0;
    std::string text{};
    std::string inproc_name{};

    // connect() only.
    std::optional<link> connecting{};
    reference<connection> connected{};
    reference<link_connections> successive{}; ///< instead of `connected`
    reference<pipe> peer{}; ///< the present one
    // bind() only.
    reference<acceptor> accepting{};

    reference<endpoint_log> log{};
};

using endpoint_list = std::vector<endpoint_entry*>;

class endpoint_table {
public:
    [[nodiscard]] std::span<const std::unique_ptr<endpoint_entry>> all() const noexcept
    {
        return entries_;
    }
    /// Null: it was taken back.
    [[nodiscard]] endpoint_entry* find(std::uint64_t number) const noexcept;
    /// All endpoints of this kind and text; if there are none, those that mean the same place.
    [[nodiscard]] endpoint_list find_all(endpoint_kind kind, std::string_view text) const;
    [[nodiscard]] endpoint_list everything() const;

    endpoint_entry& add(std::unique_ptr<endpoint_entry> entry);
    void remove(const endpoint_list& which);

    /// The text of the endpoint that was added last.
    [[nodiscard]] const std::string& last_text() const noexcept { return last_text_; }

private:
    std::vector<std::unique_ptr<endpoint_entry>> entries_;
    std::string last_text_;
};

/// Whether the peer came by one of these endpoints.
[[nodiscard]] bool came_by(const pipe& peer, const endpoint_list& which) noexcept;

} // namespace slk::messaging

#endif
