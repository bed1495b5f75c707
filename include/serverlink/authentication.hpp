// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_AUTHENTICATION_HPP
#define SERVERLINK_AUTHENTICATION_HPP

/// Whether a peer may come in: what an authenticator is asked, and what it answers.
///
///     options.security.authenticator = [](const slk::authentication_request& who) {
///         return who.user == "ann" ? slk::authentication_answer::accepted
///                                  : slk::authentication_answer::refused;
///     };
///
/// One that has to ask elsewhere answers later, and on any thread:
///
///     options.security.authenticator = [&](const slk::authentication_request& who) {
///         directory.look_up(who.user, who.answer_later());
///         return std::nullopt;
///     };

#include <serverlink/address.hpp>
#include <serverlink/export.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slk {

namespace messaging {
class authentication;
}

/// How a peer proves who it is. ZMTP 3.1 (RFC 23, RFC 24, RFC 26). Both sides must use the same
/// mechanism, one as its client and one as its server, whichever of them has connected.
enum class security_mechanism : std::uint8_t {
    null, ///< not at all
    plain_client, ///< sends user and password, in clear text
    plain_server, ///< demands them
    curve_client, ///< knows the server's key; what is sent is encrypted
    curve_server, ///< has that key
};

/// Whether the ZAP handler of the context is asked about peers (RFC 27): a REP or a ROUTER that is
/// bound to inproc://zeromq.zap.01, and serves all sockets that have this option. A plain_server or
/// curve_server asks it about each client; a socket without a mechanism about each peer, but only
/// if there is a zap_domain, which `always` demands of it. Clients have `never`.
enum class zap_use : std::uint8_t {
    never,
    /// As libzmq does. While no handler is bound, a plain_server lets nobody in, a curve_server any
    /// client that knows its key, and a socket without a mechanism everybody.
    when_bound,
    always, ///< while no handler is bound, nobody is let in (libzmq's ZAP_ENFORCE_DOMAIN)
};

/// A name and a value that belong to a peer. Its name begins with "X-" where a socket shows it to
/// its peers by the handshake (socket_options::properties).
struct socket_property {
    std::string name{}; ///< at most 255 bytes
    std::string value{}; ///< any bytes
};

/// The numbers are those of ZAP (RFC 27).
enum class authentication_status : std::uint16_t {
    accepted = 200,
    try_again = 300, ///< the peer gets no error, and comes again
    refused = 400,
    failed = 500, ///< the authenticator could not decide
};

/// A status alone is an answer.
struct authentication_answer {
    // So that an answer can be written as authentication_answer::refused.
    static constexpr auto accepted = authentication_status::accepted;
    static constexpr auto try_again = authentication_status::try_again;
    static constexpr auto refused = authentication_status::refused;
    static constexpr auto failed = authentication_status::failed;

    authentication_answer() noexcept = default;
    authentication_answer(authentication_status decision, std::string user = {},
                          std::vector<socket_property> properties = {},
                          std::string reason = {}) noexcept
        : status(decision), user_id(std::move(user)), metadata(std::move(properties)),
          text(std::move(reason))
    {
    }

    authentication_status status = failed; ///< what is decided
    /// accepted: the peer's name from now on (peer_status::user). Empty: the user of PLAIN.
    std::string user_id{};
    /// accepted: belongs to the peer from now on, as its own properties do.
    std::vector<socket_property> metadata{};
    std::string text{}; ///< the reason, for the events of this side
};

/// The right to answer a request later. It is moved, and may be used on any thread, one at a time.
/// One that is destroyed without an answer answers authentication_status::failed. Once the
/// connection, the socket or the context has ended, an answer has no effect.
class SLK_API pending_authentication {
public:
    /// Answers nothing.
    pending_authentication() noexcept = default;
    pending_authentication(pending_authentication&& other) noexcept
        : asked_(std::exchange(other.asked_, nullptr))
    {
    }
    pending_authentication& operator=(pending_authentication&& other) noexcept;
    ~pending_authentication();

    /// The first call decides; later ones do nothing. Returns false if nobody waits for the answer
    /// any more.
    bool answer(authentication_answer decision) noexcept;
    /// Whether the peer still waits for an answer; another thread may end that at any time.
    [[nodiscard]] bool is_awaited() const noexcept;

private:
    friend struct authentication_request;
    explicit pending_authentication(messaging::authentication* asked) noexcept : asked_(asked) {}

    messaging::authentication* asked_ = nullptr;
};

/// A peer that is to be accepted or refused. The views live as long as the call.
struct authentication_request {
    std::string_view domain{}; ///< zap_domain of the socket
    security_mechanism mechanism = security_mechanism::null; ///< of the socket
    address peer{}; ///< where the peer is
    std::string_view user{}; ///< PLAIN only
    std::string_view password{}; ///< PLAIN only
    std::span<const std::byte> public_key{}; ///< CURVE only: the client's, 32 bytes

    /// For an authenticator that returns std::nullopt. The peer waits for as long as its handshake
    /// may last (socket_options::handshake_timeout). To be called once; a second handle, or one
    /// that there is no memory for, answers nothing.
    [[nodiscard]] SLK_API pending_authentication answer_later() const noexcept;

    /// Used by the library only.
    messaging::authentication* asked = nullptr;
};

/// Returns an answer, or std::nullopt after answer_later(). Without either the peer is refused with
/// authentication_status::failed.
using authenticator_function =
    std::function<std::optional<authentication_answer>(const authentication_request&)>;

} // namespace slk

#endif
