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

#include "base/list.hpp"
#include "messaging/observe/endpoint_log.hpp"
#include "messaging/pipe/pipe.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace slk::messaging {

/// One of the two sockets.
struct inproc_party {
    reference<inbox> reports;
    reference<endpoint_log> log{};
    zmtp::socket_type type = zmtp::socket_type::pair;
    std::string routing_id;
    std::uint64_t endpoint = 0; ///< its number
    std::uint32_t receive_mark = 0; ///< 0: no limit; or adds_nothing
    std::uint64_t receive_bytes = 0;
    bool conflates = false;
    bool checks_types = true; ///< the option
    bool immediate = false; ///< connect() only: the option
    queue_policy on_reconnect = queue_policy::keep; ///< the option
    /// connect() only: the peer is known by its own routing id.
    bool by_id = false;
    bool named = false; ///< connect() only: it has given the peer a name
    reference<pattern::topic_book> topics{}; ///< SUB and XSUB only
    lane::chunk_pools* pools = nullptr; ///< of the thread that uses the socket
};

class inproc_names {
public:
    inproc_names() = default;
    inproc_names(const inproc_names&) = delete;
    inproc_names& operator=(const inproc_names&) = delete;
    ~inproc_names();

    /// Sockets that wait for the name meet its owner at once. Returns false when memory is
    /// exhausted for one of them: retry() is needed. Errors: address_in_use, out_of_memory.
    result<bool> bind(std::string_view name, inproc_party owner);
    /// The name is free again; pipes that exist stay.
    void unbind(std::string_view name, std::uint64_t endpoint) noexcept;

    /// Returns the caller's pipe; both sockets are told by an event when they have met. Errors:
    /// invalid_argument (the types do not suit each other), out_of_memory.
    result<reference<pipe>> connect(std::string_view name, inproc_party caller);
    /// The other end of a pipe of connect() is over: its endpoint waits for the name again, and
    /// meets the present owner at once. Does nothing if the pipe is not the endpoint's last one.
    /// Returns false when memory is exhausted: retry() is needed.
    [[nodiscard]] bool reconnect(const pipe& near, lane::chunk_pools& pools);
    /// A socket with this endpoint, of bind() or connect(), may have a place for another one again.
    /// Returns as reconnect().
    [[nodiscard]] bool retry(std::uint64_t endpoint, lane::chunk_pools& pools);
    /// The owner of the name gets a peer that is no socket: `near`, which has written to the lanes.
    /// Returns the owner's pipe. Errors: not_connected (nobody has the name), not_supported
    /// (neither a REP nor a ROUTER has it), would_block (max_added of them exist), out_of_memory.
    result<reference<pipe>> add_peer(std::string_view name, far_end& near,
                                     const reference<pipe_lanes>& lanes);
    /// Peers that are no sockets. One exists until its owner has taken note of its end.
    static constexpr std::uint32_t max_added = 1024;
    /// An endpoint of connect() no longer waits for its name.
    void forget(std::uint64_t endpoint) noexcept;

private:
    /// An endpoint of connect().
    struct connecter : list_node {
        std::string name;
        inproc_party caller;
        reference<pipe> near; ///< of the last meeting, or the one to come
        reference<pipe> far; ///< of that meeting
        bool met = false; ///< the two pipes were used
        bool waits = true; ///< for the name, or for a place
    };

    [[nodiscard]] static bool make_pipes(connecter& which, lane::chunk_pools& pools) noexcept;
    static void part(connecter& which) noexcept;
    [[nodiscard]] static reference<pipe> make_far(const connecter& which) noexcept;
    static void drop_stale(const inproc_party& owner, const inproc_party& caller,
                           pipe& far) noexcept;
    [[nodiscard]] static bool tell_topics(const inproc_party& owner, pipe& far,
                                          lane::chunk_pools& pools) noexcept;
    [[nodiscard]] static bool meet(const inproc_party& owner, connecter& which,
                                   lane::chunk_pools& pools) noexcept;
    [[nodiscard]] const inproc_party* owner_of(std::string_view name) const noexcept;

    std::mutex guard_;
    std::map<std::string, inproc_party, std::less<>> bound_; ///< guarded
    list<connecter> connecters_; ///< guarded; in the order of their connects
    reference<peer_count> added_; ///< guarded; those of add_peer()
};

} // namespace slk::messaging

#endif
