// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_ATTEMPT_POOL_HPP
#define SLK_LINK_ATTEMPT_POOL_HPP

/// What a connecter needs only while it tries: lent from a pool of the loop, so that a link that
/// waits or is connected does not carry it, and an attempt allocates nothing.

#include <serverlink/address.hpp>

#include "io/operation.hpp"
#include "link/resolver.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace slk::link_detail {

struct connect_attempt {
    io::connect_operation connect;
    lookup_request lookup;
    /// The addresses of the name, in the order in which they are tried.
    std::vector<address> candidates;
    /// This side's address, once connected.
    address local{};
    connect_attempt* next_free = nullptr;
};

/// On the loop's thread. Everything lent must have come back before it ends.
class attempt_pool {
public:
    attempt_pool() = default;
    attempt_pool(const attempt_pool&) = delete;
    attempt_pool& operator=(const attempt_pool&) = delete;
    ~attempt_pool();

    /// Null when memory is exhausted.
    [[nodiscard]] connect_attempt* take();
    /// Nothing of it may be in flight.
    void give_back(connect_attempt& used) noexcept;

private:
    /// More than this many are not kept: a storm of 100,000 attempts should not hold its memory.
    static constexpr std::size_t most_kept = 1024;

    connect_attempt* free_ = nullptr;
    std::size_t kept_ = 0;
};

} // namespace slk::link_detail

#endif
