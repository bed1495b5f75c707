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
    /// Sockets that wait for the name meet its owner at once. Errors: address_in_use,
    /// out_of_memory.
    result<void> bind(std::string_view name, inproc_party owner);
    /// The name is free again; pipes that exist stay.
    void unbind(std::string_view name, std::uint64_t endpoint) noexcept;

    /// Returns the caller's pipe; both sockets are told by an event when they have met. Errors:
    /// invalid_argument (the types do not suit each other), out_of_memory.
    result<reference<pipe>> connect(std::string_view name, inproc_party caller);
    /// An endpoint of connect() no longer waits for its name.
    void forget(std::uint64_t endpoint) noexcept;

private:
    struct pending_connect {
        inproc_party caller;
        reference<pipe> near;
        reference<pipe> far;
        // Made by prepare() for meet(), which needs no memory.
        std::unique_ptr<queued_event> to_owner{};
        std::unique_ptr<queued_event> to_caller{};
        std::unique_ptr<latest_slots> slots{};
    };

    [[nodiscard]] static bool prepare(const inproc_party& owner, pending_connect& pending) noexcept;
    static void meet(const inproc_party& owner, pending_connect& pending) noexcept;

    std::mutex guard_;
    std::map<std::string, inproc_party, std::less<>> bound_; ///< guarded
    std::multimap<std::string, pending_connect, std::less<>> pending_; ///< guarded
};

} // namespace slk::messaging

#endif
