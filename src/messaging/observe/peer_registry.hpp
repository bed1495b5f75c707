// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_PEER_REGISTRY_HPP
#define SLK_MESSAGING_OBSERVE_PEER_REGISTRY_HPP

/// What loops have to know about the peers of a socket while its thread does something else: which
/// places are taken, and what earlier connections of a peer have left unread.
///
/// The pattern decides who is a peer, on the socket's thread. But a peer must be rejected before it
/// is told READY, because it sends its queue after that; so a connection reserves the peer's place
/// in the handshake, and gives it back behind the event that reports its end. As events come in
/// that order, the place is free in the pattern too when the next peer's event is read. Any thread.

#include <serverlink/clock.hpp>
#include <serverlink/result.hpp>

#include "base/reference.hpp"
#include "messaging/pipe/pipe_lanes.hpp"
#include "pattern/pattern.hpp"
#include "zmtp/command.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace slk::messaging {

/// Who has a place: a peer of bind() for one connection, a peer of connect() as long as the
/// endpoint exists.
struct place_holder {
    std::uint64_t endpoint = 0; ///< connect() only: its number
    const pipe_lanes* lanes = nullptr; ///< bind() only: those of the connection

    friend bool operator==(const place_holder&, const place_holder&) = default;
};

/// Who had a place before it was reserved.
enum class reserved_from : std::uint8_t {
    itself, ///< it has its place already, or needs none
    nobody,
    another_one,
};

class peer_registry {
public:
    /// Before anything else.
    void set_rule(pattern::peer_rule rule) noexcept { rule_ = rule; }
    [[nodiscard]] pattern::peer_rule rule() const noexcept { return rule_; }
    /// A new peer gets a routing id that is taken, unless connect() has given it.
    /// `limited`: two living peers cannot take it from each other for ever.
    void set_handover(bool on, bool limited) noexcept;

    /// Takes the place, or returns why not. A holder may take its place again. `given`: the routing
    /// id is a name that connect() has given. `from`, if any, is set when the place was taken.
    /// Errors: out_of_memory, of peer_rule::one_for_each_id alone.
    [[nodiscard]] result<std::optional<zmtp::rejection>>
    reserve(const place_holder& by, std::string_view routing_id, time_point now, bool given = false,
            reserved_from* from = nullptr) noexcept;
    /// Frees the place, if it is the holder's, and returns whether it was.
    bool release(const place_holder& by, std::string_view routing_id) noexcept;

    /// A connection has paused, or ended, and has messages that are unread. The next connection of
    /// the peer, which is known by its endpoint or else by its routing id, counts them in its mark,
    /// unless memory is exhausted.
    void leave_unread(const place_holder& by, std::string_view routing_id,
                      reference<pipe_lanes> lanes) noexcept;
    /// The socket is done with the connection: nothing of it is unread.
    void forget_unread(const place_holder& by, std::string_view routing_id,
                       const reference<pipe_lanes>& lanes) noexcept;
    /// The messages of earlier connections of this peer that are unread now. Does not count beyond
    /// `enough`.
    [[nodiscard]] std::uint64_t unread_before(const place_holder& by, std::string_view routing_id,
                                              std::uint64_t enough) noexcept;

private:
    struct place {
        place_holder by;
        bool given = false;
        std::uint8_t takeovers = 0; ///< in a row, each soon after the one before
        std::uint32_t since = 0; ///< of the last one, in seconds; an idle peer should not cost more
    };
    [[nodiscard]] bool may_be_taken_over(place& known, time_point now) const noexcept;

    /// A connection of a peer, which is known by its endpoint or else by its routing id.
    struct connection_key {
        std::uint64_t endpoint;
        std::string_view routing_id;
        const pipe_lanes* lanes;

        friend auto operator<=>(const connection_key&, const connection_key&) = default;
    };
    [[nodiscard]] static connection_key key_of(const place_holder& by, std::string_view routing_id,
                                               const pipe_lanes* lanes) noexcept
    {
        return {by.endpoint, by.endpoint != 0 ? std::string_view() : routing_id, lanes};
    }
    struct remains {
        std::uint64_t endpoint;
        std::string routing_id;
        reference<pipe_lanes> lanes;

        operator connection_key() const noexcept { return {endpoint, routing_id, lanes.get()}; }
    };
    struct by_peer {
        using is_transparent = void;
        [[nodiscard]] bool operator()(const connection_key& left,
                                      const connection_key& right) const noexcept
        {
            return left < right;
        }
    };

    pattern::peer_rule rule_ = pattern::peer_rule::any;
    std::mutex guard_;
    bool handover_ = false; ///< guarded
    bool limited_ = true; ///< guarded
    std::map<std::string, place, std::less<>> by_id_; ///< guarded
    std::optional<place_holder> only_; ///< guarded
    std::set<remains, by_peer> remains_; ///< guarded
    /// Guarded: with this number of them, those that were read are looked for.
    std::size_t clean_at_ = min_clean;
    static constexpr std::size_t min_clean = 16;
};

} // namespace slk::messaging

#endif
