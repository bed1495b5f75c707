// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_RPC_PENDING_HPP
#define SLK_RPC_PENDING_HPP

/// A request of a client, from start() until its reply was taken.

#include <serverlink/client.hpp>

#include "base/list.hpp"
#include "base/ref_counted.hpp"

#include <cstddef>
#include <cstdint>

namespace slk::rpc {

class client_core;

class pending final : public ref_counted<pending>, public list_node {
public:
    enum class stage : std::uint8_t {
        waiting, ///< for a peer: in client_core's list
        sent, ///< in the list of its peer
        ended, ///< with `reply`, or with `failure`
        taken, ///< the reply was returned
    };

    client_core* owner = nullptr; ///< while the request is under way
    std::uint64_t number = 0; ///< in the envelope
    stage now = stage::waiting;
    bool repeatable = false;
    std::uint32_t attempts = 0;
    std::uint32_t max_attempts = 1;
    std::uint64_t asked = 0; ///< the generation of the peer that it was sent to last
    duration attempt_timeout{};
    time_point deadline{};
    time_point due{}; ///< when something is to be done: not later than the deadline
    std::size_t due_place = SIZE_MAX; ///< in due_times
    multipart parts; ///< as long as it may be sent
    multipart reply;
    error failure{};

private:
    friend class ref_counted<pending>;
    ~pending() = default;
};

} // namespace slk::rpc

#endif
