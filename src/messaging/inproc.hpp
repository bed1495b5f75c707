// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_INPROC_HPP
#define SLK_MESSAGING_INPROC_HPP

/// inproc: two sockets of one context, with two lanes between them and nothing else.
///
/// Whoever connects makes both pipes. The one of the other side waits under its name until somebody
/// binds that, and may be written to meanwhile.

#include <serverlink/result.hpp>

#include "messaging/pipe.hpp"

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace slk::messaging {

/// One side of a meeting.
struct inproc_party {
    reference<mailbox> box;
    zmtp::socket_type type = zmtp::socket_type::pair;
    std::string routing_id;
    std::uint64_t endpoint = 0;
    std::uint32_t send_mark = 0;
    std::uint32_t receive_mark = 0;
    lane::chunk_pools* pools = nullptr; ///< of the thread that connects
    bool conflates = false;
    std::uint64_t receive_bytes = 0;
};

class inproc_names {
public:
    /// Errors: address_in_use. Those who have waited for the name meet its owner now.
    result<void> bind(const std::string& name, const inproc_party& owner);
    /// The name is free; pipes that exist stay.
    void unbind(const std::string& name, std::uint64_t endpoint) noexcept;

    /// Errors: invalid_argument (the types do not suit each other), out_of_memory. The caller's
    /// pipe; its peer is told by a letter.
    result<reference<pipe>> connect(const std::string& name, const inproc_party& caller);
    /// Who has connected does not wait any longer.
    void forget(std::uint64_t endpoint) noexcept;

private:
    struct waiting {
        inproc_party caller;
        reference<pipe> near;
        reference<pipe> far;
    };

    static void meet(const inproc_party& owner, const waiting& guest);

    std::mutex guard_;
    std::map<std::string, inproc_party> bound_; ///< guarded
    std::multimap<std::string, waiting> waiting_; ///< guarded
};

} // namespace slk::messaging

#endif
