// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONTEXT_INPROC_NAMES_HPP
#define SLK_MESSAGING_CONTEXT_INPROC_NAMES_HPP

/// The names of inproc endpoints of a context. Two sockets that meet under a name have two lanes
/// between them, and nothing else.
///
/// connect() makes both pipes. If the name is not bound yet, the pipe of the other side waits under
/// it, and may be written to meanwhile.

#include <serverlink/result.hpp>

#include "messaging/pipe/pipe.hpp"

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace slk::messaging {

/// One of the two sockets.
struct inproc_party {
    reference<inbox> reports;
    zmtp::socket_type type = zmtp::socket_type::pair;
    std::string routing_id;
    std::uint64_t endpoint = 0;
    std::uint32_t receive_mark = 0;
    std::uint64_t receive_bytes = 0;
    bool conflates = false;
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
    /// An endpoint of connect() no longer waits for its name.
    void forget(std::uint64_t endpoint) noexcept;

private:
    struct pending_connect {
        inproc_party caller;
        reference<pipe> near;
        reference<pipe> far;
    };

    static void meet(const inproc_party& owner, const pending_connect& pending);

    std::mutex guard_;
    std::map<std::string, inproc_party> bound_; ///< guarded
    std::multimap<std::string, pending_connect> pending_; ///< guarded
};

} // namespace slk::messaging

#endif
