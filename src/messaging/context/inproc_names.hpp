// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONTEXT_INPROC_NAMES_HPP
#define SLK_MESSAGING_CONTEXT_INPROC_NAMES_HPP

/// The names of inproc endpoints of a context. Two sockets that meet under a name have two lanes
/// between them, and nothing else.
///
/// connect() makes both pipes. If the name is not bound yet, the pipe of the other side waits under
/// it, and may be written to meanwhile. When the two have parted, the connecting side waits for the
/// name again. The next owner has a new pipe at the same lanes, and gets what is queued there; but
/// where peers are known by their routing ids, both pipes are new. The connecting side also waits
/// while one of the sockets has no place for the other (peer_registry.hpp).

#include <serverlink/result.hpp>

#include "messaging/observe/endpoint_log.hpp"
#include "messaging/pipe/pipe.hpp"

#include <list>
#include <map>
#include <mutex>
#include <string>

namespace slk::messaging {

/// One of the two sockets.
struct inproc_party {
    reference<inbox> reports;
    reference<endpoint_log> log{};
    zmtp::socket_type type = zmtp::socket_type::pair;
    std::string routing_id;
    std::uint64_t endpoint = 0; ///< its number
    std::uint32_t receive_mark = 0;
    std::uint64_t receive_bytes = 0;
    bool conflates = false;
    bool immediate = false; ///< connect() only: the option
    /// connect() only: the peer is known by its own routing id.
    bool by_id = false;
    bool named = false; ///< connect() only: it has given the peer a name
    lane::chunk_pools* pools = nullptr; ///< of the thread that uses the socket
};

class inproc_names {
public:
    /// Sockets that wait for the name meet its owner at once. Errors: address_in_use.
    result<void> bind(const std::string& name, const inproc_party& owner);
    /// The name is free again; pipes that exist stay.
    void unbind(const std::string& name, std::uint64_t endpoint) noexcept;

    /// Returns the caller's pipe; both sockets are told by an event when they have met. Errors:
    /// invalid_argument (the types do not suit each other), out_of_memory.
    result<reference<pipe>> connect(const std::string& name, const inproc_party& caller);
    /// The other end of a pipe of connect() is over: its endpoint waits for the name again, and
    /// meets the present owner at once. Does nothing if the pipe is not the endpoint's last one.
    void reconnect(const pipe& near, lane::chunk_pools& pools);
    /// A socket with this endpoint, of bind() or connect(), may have a place for another one again.
    void retry(std::uint64_t endpoint, lane::chunk_pools& pools);
    /// An endpoint of connect() no longer waits for its name.
    void forget(std::uint64_t endpoint) noexcept;

private:
    /// An endpoint of connect().
    struct connecter {
        std::string name;
        inproc_party caller;
        reference<pipe> near; ///< of the last meeting, or the one to come
        reference<pipe> far; ///< of that meeting
        bool met = false; ///< the two pipes were used
        bool waits = true; ///< for the name, or for a place
    };

    [[nodiscard]] static bool make_pipes(connecter& which, lane::chunk_pools& pools);
    [[nodiscard]] static bool renew_far(connecter& which);
    static void meet(const inproc_party& owner, connecter& which, lane::chunk_pools& pools);
    [[nodiscard]] const inproc_party* owner_of(const std::string& name) const;

    std::mutex guard_;
    std::map<std::string, inproc_party> bound_; ///< guarded
    std::list<connecter> connecters_; ///< guarded; in the order of their connects
};

} // namespace slk::messaging

#endif
