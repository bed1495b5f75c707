// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_LINKS_PEER_HPP
#define BENCH_LINKS_PEER_HPP

/// The accepting side, the same for all: a process of its own, which accepts and keeps the last
/// connections for a while, so that the caller closes first; or resets them at once.

#include <sys/types.h>

#include <cstdint>

namespace bench {

enum class peer_manner { keeps, resets };

class peer_process {
public:
    /// To be made before the program has a second thread. Ends the program when it cannot.
    explicit peer_process(peer_manner manner);
    ~peer_process();
    peer_process(const peer_process&) = delete;
    peer_process& operator=(const peer_process&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    std::uint16_t port_ = 0;
    pid_t process_ = -1;
};

/// A port at which nobody listens, and nobody will: it is bound.
class dead_port {
public:
    dead_port();
    ~dead_port();
    dead_port(const dead_port&) = delete;
    dead_port& operator=(const dead_port&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    std::uint16_t port_ = 0;
    int fd_; ///< after the port, which opening it sets
};

} // namespace bench

#endif
