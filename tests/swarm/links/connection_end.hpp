// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_LINKS_CONNECTION_END_HPP
#define SLK_TESTS_SWARM_LINKS_CONNECTION_END_HPP

/// One end of a connection and the program that uses it. The value of each byte depends on its
/// position in its direction, so that a receiver can check it.

#include <serverlink/stream.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace slk::swarm::links {

/// What the program does.
enum class end_role : std::uint8_t {
    client,     ///< sends, and checks that the echo is the beginning of what it sent
    echo,       ///< sends back what it receives
    silent,     ///< receives and does not send
    unreading,  ///< neither receives nor sends
    half_close, ///< shuts down its sending at once, and closes when the peer has done so too
    close,      ///< closes at once
    reset,      ///< resets at once
};

class connection_end {
public:
    struct events {
        std::function<void(const char* what)> check_failed;
        std::function<void()> received;
    };

    connection_end(stream connection, end_role role, events on);
    connection_end(const connection_end&) = delete;
    connection_end& operator=(const connection_end&) = delete;

    void begin();
    /// Sends the number of bytes, unless a send is under way.
    void send_bytes(std::size_t count);
    void shutdown_send();
    void close();
    void reset();
    void drain(duration timeout);

    /// The program does not use the connection any more.
    [[nodiscard]] bool finished() const noexcept { return finished_; }
    /// Finished, and none of its handlers will be called.
    [[nodiscard]] bool can_be_destroyed() const noexcept
    {
        return finished_ && !receiving_ && !sending_ && !draining_;
    }
    [[nodiscard]] end_role role() const noexcept { return role_; }
    [[nodiscard]] std::uint64_t bytes_received() const noexcept { return bytes_received_; }

private:
    void start_send();
    void complete_send(result<std::size_t> count);
    void start_receive();
    void complete_receive(result<std::size_t> count);
    void check(std::size_t count);

    stream stream_;
    end_role role_;
    events on_;
    std::array<std::byte, 2048> buffer_{};
    std::vector<std::byte> outgoing_;
    std::uint64_t bytes_to_send_ = 0; ///< given to send_bytes() since the beginning
    std::uint64_t bytes_received_ = 0;
    bool receiving_ = false;
    bool sending_ = false;
    bool send_shut_down_ = false;
    bool draining_ = false;
    bool finished_ = false;
};

} // namespace slk::swarm::links

#endif
