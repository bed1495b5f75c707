// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_CONNECTION_SETTINGS_HPP
#define SLK_MESSAGING_CONNECTION_CONNECTION_SETTINGS_HPP

/// What all connections of one bind() or connect() share: the socket's options as they were then.

#include <serverlink/socket_options.hpp>

#include "zmtp/session_options.hpp"

#include <memory>
#include <vector>

namespace slk::messaging {

/// Copies all options. Returns false when memory is exhausted; some of them are copied then.
[[nodiscard]] bool try_copy(socket_options& to, const socket_options& from) noexcept;

class connection_settings {
public:
    /// Errors: those of socket_options::validate(), out_of_memory.
    [[nodiscard]] static result<std::shared_ptr<const connection_settings>>
    create(zmtp::socket_type type, const socket_options& options);

    /// `properties`: with room for those of the options.
    connection_settings(zmtp::socket_type type, socket_options options,
                        std::vector<zmtp::property> properties) noexcept;
    connection_settings(const connection_settings&) = delete;
    connection_settings& operator=(const connection_settings&) = delete;

    [[nodiscard]] const socket_options& options() const noexcept { return options_; }
    [[nodiscard]] const zmtp::session_options& protocol() const noexcept { return protocol_; }
    /// Returns the status of ZAP (RFC 27): 200 accepts the peer.
    [[nodiscard]] int authenticate(const zmtp::credentials& peer,
                                   const address& from) const noexcept;

private:
    const socket_options options_;
    std::vector<zmtp::property> properties_; ///< views into options_
    zmtp::session_options protocol_;
};

} // namespace slk::messaging

#endif
