// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_CONNECT_ATTEMPT_HPP
#define SLK_LINK_CONNECT_ATTEMPT_HPP

/// What a connecter needs only during an attempt. The loop's pools lend it, so that a link that
/// waits or is connected does not carry it.

#include <serverlink/address.hpp>

#include "io/operation.hpp"
#include "io/timer.hpp"
#include "link/connecter_machine.hpp"
#include "link/resolver.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace slk::link_detail {

/// One address in the race: its socket and its connect.
struct racer : io::connect_operation {
    io::socket_id socket_of_its_own{};
    std::uint32_t candidate = 0;
    racer* next_free = nullptr;
};

struct connect_attempt {
    lookup_request lookup;
    /// The addresses of the name, in the order in which they begin.
    std::vector<address> candidates;
    /// The addresses of endpoint::source: its own, or those of its network interface.
    std::vector<address> sources;
    std::array<racer*, connecter_machine::max_at_once> racing{};
    io::timer stagger;
    /// Both ends of the connection that won.
    address local{};
    address peer{};
    connect_attempt* next_free = nullptr;
};

} // namespace slk::link_detail

#endif
