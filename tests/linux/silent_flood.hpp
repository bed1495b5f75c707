// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_LINUX_SILENT_FLOOD_HPP
#define SLK_TESTS_LINUX_SILENT_FLOOD_HPP

/// Connections that say nothing, and that are made again as soon as they are closed, by a thread of
/// their own.

#include <serverlink/endpoint.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include <sys/socket.h>

namespace slk::linux_tests {

class silent_flood {
public:
    /// `to`: a numeric tcp endpoint, or ipc with a path.
    silent_flood(const endpoint& to, std::size_t connections);
    silent_flood(const silent_flood&) = delete;
    silent_flood& operator=(const silent_flood&) = delete;
    ~silent_flood();

    /// Connections so far, and how many of them were closed by the other side.
    [[nodiscard]] std::uint64_t dialled() const noexcept { return dialled_; }
    [[nodiscard]] std::uint64_t closed() const noexcept { return closed_; }

private:
    void run();
    /// Returns false if the system refuses it for now.
    [[nodiscard]] bool dial();

    sockaddr_storage where_{};
    socklen_t where_size_ = 0;
    std::size_t missing_;
    int poller_ = -1;
    std::vector<int> sockets_; ///< by descriptor; -1: none
    std::atomic<std::uint64_t> dialled_{0};
    std::atomic<std::uint64_t> closed_{0};
    std::atomic<bool> stopped_{false};
    std::thread thread_;
};

} // namespace slk::linux_tests

#endif
