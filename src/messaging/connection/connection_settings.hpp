// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_CONNECTION_SETTINGS_HPP
#define SLK_MESSAGING_CONNECTION_CONNECTION_SETTINGS_HPP

/// What all connections of one bind() or connect() share: the socket's options as they were then.

#include <serverlink/socket_options.hpp>

#include "base/reference.hpp"
#include "messaging/connection/authentication.hpp"
#include "messaging/pipe/pipe.hpp"
#include "pattern/topic_book.hpp"
#include "zmtp/session_options.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace slk::messaging {

/// Copies all options. Returns false when memory is exhausted; some of them are copied then.
[[nodiscard]] bool try_copy(socket_options& to, const socket_options& from) noexcept;

/// Moves all options, without memory; passwords leave nothing behind.
void move_options(socket_options& to, socket_options& from) noexcept;

class connection_settings {
public:
    /// `topics`: what a subscriber's connections tell their peers, else null. Errors: those of
    /// socket_options::validate(), out_of_memory.
    [[nodiscard]] static result<std::shared_ptr<const connection_settings>>
    create(zmtp::socket_type type, const socket_options& options,
           reference<pattern::topic_book> topics = {});

    /// `properties`: with room for those of the options; `properties_to_bound`: for one more.
    connection_settings(zmtp::socket_type type, socket_options&& options,
                        std::vector<zmtp::property> properties,
                        std::vector<zmtp::property> properties_to_bound,
                        reference<pattern::topic_book> topics, const zmtp::curve_settings& curve,
                        std::unique_ptr<zmtp::curve_cookies> cookies) noexcept;
    connection_settings(const connection_settings&) = delete;
    connection_settings& operator=(const connection_settings&) = delete;

    [[nodiscard]] const socket_options& options() const noexcept { return options_; }
    [[nodiscard]] const reference<pattern::topic_book>& topics() const noexcept { return topics_; }
    [[nodiscard]] const zmtp::session_options& protocol() const noexcept { return protocol_; }
    /// Frames of messages are encrypted on the wire.
    [[nodiscard]] bool is_sealed() const noexcept
    {
        return protocol_.security == zmtp::mechanism::curve;
    }
    /// The peers do not speak ZMTP: a STREAM.
    [[nodiscard]] bool is_raw() const noexcept { return protocol_.raw; }
    /// For the session of a connection: who waits for READY, and who asks about the peer.
    [[nodiscard]] const zmtp::session_options& protocol(pipe_origin origin) const noexcept
    {
        switch (origin) {
        case pipe_origin::connect: return protocol_;
        case pipe_origin::link: return protocol_of_links_;
        case pipe_origin::accept: return protocol_of_accepted_;
        }
        return protocol_;
    }
    /// Of a connection that was accepted where others may make it give way: the peer waits for this
    /// side's READY until this side knows of it.
    [[nodiscard]] const zmtp::session_options& protocol_where_crowded() const noexcept
    {
        return protocol_where_crowded_;
    }
    /// A side that connects shows this property: it takes an ERROR for a reason, and connects again
    /// later. libzmq would not come again after an ERROR, and sees the connection end instead.
    static constexpr std::string_view retries_name = "X-Retries-After-Error";
    [[nodiscard]] static bool retries(const zmtp::peer_metadata& peer) noexcept;
    /// Returns no answer if that comes later, through `asked`.
    [[nodiscard]] std::optional<authentication_answer>
    authenticate(const zmtp::credentials& peer, const address& from,
                 authentication& asked) const noexcept;

private:
    socket_options options_;
    const reference<pattern::topic_book> topics_;
    std::vector<zmtp::property> properties_; ///< views into options_
    std::vector<zmtp::property> properties_to_bound_; ///< the same, and retries_name
    const std::unique_ptr<zmtp::curve_cookies> cookies_; ///< of a CURVE server
    zmtp::curve_settings curve_;
    zmtp::session_options protocol_; ///< of a connection of connect()
    zmtp::session_options protocol_of_links_;
    zmtp::session_options protocol_of_accepted_;
    zmtp::session_options protocol_where_crowded_;
};

} // namespace slk::messaging

#endif
