// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_LINKS_PEER_HPP
#define BENCH_LINKS_PEER_HPP

/// The accepting side, the same for all contenders: a process that accepts connections. It keeps
/// the last ones, so that the connecting side closes first, or resets them at once.

#include <sys/types.h>

#include <cstdint>

namespace bench {

enum class peer_mode { keeps, resets };

class peer_process {
public:
    /// Forks, so the program must not have a second thread yet. A failure ends the program.
    explicit peer_process(peer_mode mode);
    ~peer_process();
    peer_process(const peer_process&) = delete;
    peer_process& operator=(const peer_process&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    std::uint16_t port_ = 0;
    pid_t process_ = -1;
};

/// A port without a listener: it stays bound, so that no other socket gets it.
class dead_port {
public:
    dead_port();
    ~dead_port();
    dead_port(const dead_port&) = delete;
    dead_port& operator=(const dead_port&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    std::uint16_t port_ = 0;
    int fd_; ///< declared after the port, which opening it sets
};

} // namespace bench

#endif
