// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SESSION_SETTINGS_HPP
#define SLK_MESSAGING_SESSION_SETTINGS_HPP

/// What all sessions of one bind() or connect() share: the socket's options as they were then.

#include <serverlink/socket_options.hpp>

#include "zmtp/session_options.hpp"

#include <memory>
#include <vector>

namespace slk::messaging {

class session_settings {
public:
    [[nodiscard]] static result<std::shared_ptr<const session_settings>>
    create(zmtp::socket_type type, const socket_options& options);

    session_settings(zmtp::socket_type type, const socket_options& options);
    session_settings(const session_settings&) = delete;
    session_settings& operator=(const session_settings&) = delete;

    [[nodiscard]] const socket_options& options() const noexcept { return options_; }
    [[nodiscard]] const zmtp::session_options& protocol() const noexcept { return protocol_; }
    /// ZAP's status (RFC 27): 200 lets the peer in.
    [[nodiscard]] int authenticate(const zmtp::credentials& who,
                                   const address& from) const noexcept;

private:
    const socket_options options_;
    std::vector<zmtp::property> properties_; ///< views into options_
    zmtp::session_options protocol_;
};

} // namespace slk::messaging

#endif
