// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_LINKS_CONTENDERS_HPP
#define BENCH_LINKS_CONTENDERS_HPP

/// The contenders of the connect benchmark: all do the same work with the same peer.
///
/// The work: open a non-blocking socket, connect, wait, read the result, set TCP_NODELAY, close
/// with a reset (so that no port stays in TIME_WAIT), and again; `in_flight` at a time.

#include <cstdint>
#include <string_view>

namespace bench {

struct connect_work {
    std::uint16_t port = 0; ///< of 127.0.0.1
    std::uint64_t connects = 0;
    unsigned in_flight = 64;
    std::string_view backend{}; ///< of serverlink; empty: the best
};

struct connect_outcome {
    double seconds = 0;
    double cpu_seconds = 0; ///< user and system, of this process
    std::uint64_t failures = 0;
};

connect_outcome connect_with_epoll(const connect_work& work);
/// slk::link, restarted as soon as it is idle.
connect_outcome connect_with_links(const connect_work& work);
/// slk::link by its retry policy (base 0), with many links because each may try 100 times a second.
connect_outcome connect_with_retries(const connect_work& work);
/// The library's poller without the connecter: its share of the difference.
connect_outcome connect_with_poller(const connect_work& work);
connect_outcome connect_with_asio(const connect_work& work);
connect_outcome connect_with_libuv(const connect_work& work);

} // namespace bench

#endif
